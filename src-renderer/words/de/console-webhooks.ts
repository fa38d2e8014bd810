// German: the developer console: webhooks.
// owns: its sentences. never: a sentence of another part. always true: data alone.

import type { Catalogue } from '../../words.ts'

export const CONSOLE_WEBHOOKS: Catalogue = {
  'Add a webhook': 'Webhook hinzufügen',
  'The secret of this webhook': 'Das Secret dieses Webhooks',
  'Signing secret': 'Signatur-Secret',
  'No webhook yet': 'Noch kein Webhook',
  'The server tells your own server when somebody connects, when a balance runs low, when a payout is paid.':
    'Ein Webhook meldet dem eigenen Server, wenn sich jemand verbindet, ein Guthaben knapp wird oder eine Auszahlung eintrifft.',
  'You turned it off.': 'Von Hand ausgeschaltet.',
  'It turned itself off: three days without a success.': 'Hat sich ausgeschaltet: drei Tage ohne Erfolg.',
  'It turned itself off: your server answered 410.': 'Hat sich ausgeschaltet: Der Empfänger antwortete mit 410.',
  'It turned itself off: too many events waited.': 'Hat sich ausgeschaltet: Zu viele Ereignisse haben gewartet.',
  Off: 'Aus',
  'Failing since {day}': 'Scheitert seit {day}',
  'Every event': 'Alle Ereignisse',
  'low below {sum}': 'knapp unter {sum}',
  '{n} events waiting': { one: '{n} Ereignis wartet', other: '{n} Ereignisse warten' },
  Deliveries: 'Zustellungen',
  Events: 'Ereignisse',
  'Dollars; tells when a charge brings a user’s balance below this. Empty: never.':
    'In Dollar; meldet, wenn eine Belastung das Guthaben eines Nutzers darunter bringt. Leer: nie.',
  'Write the amount in dollars, such as 1 or 0.50.': 'Den Betrag in Dollar angeben, etwa 1 oder 0,50.',
  'All of them': 'Alle',
  Address: 'Adresse',
  'Of which app': 'Von welcher App',
  'Low balance': 'Knappes Guthaben',
  'Add it': 'Hinzufügen',
  'Change this webhook': 'Webhook ändern',
  'New signing secret': 'Neues Signatur-Secret',
  'Turn it off': 'Ausschalten',
  'After a new secret the old one signs beside it for a day.':
    'Nach einem neuen Secret signiert das alte noch einen Tag lang daneben.',
  'Remove this webhook?': 'Diesen Webhook entfernen?',
  'Remove it': 'Entfernen',
  'What waits for {url} is not sent any more.': 'Was für {url} noch wartet, wird nicht mehr gesendet.',
  Waiting: 'Wartet',
  Delivered: 'Zugestellt',
  'Given up': 'Aufgegeben',
  'Send a test event': 'Testereignis senden',
  'Nothing was sent yet.': 'Es wurde noch nichts gesendet.',
  '{n} tries': { one: '{n} Versuch', other: '{n} Versuche' },
  'answered {status}': 'Antwort {status}',
  'in {count} ms': 'in {count} ms',
  'again at {time}': 'erneut: {time}',
  Hide: 'Verbergen',
  Body: 'Inhalt',
  'Send again': 'Erneut senden',
}
