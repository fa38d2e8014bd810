// German: what the wallet tells, and what is the matter with it.
// owns: its sentences. never: a sentence of another part. always true: data alone.

import type { Catalogue } from '../../words.ts'

export const TOLD: Catalogue = {
  'And {count} more.': 'Und {count} weitere.',
  'Look at it': 'Ansehen',
  'A call waits for you': 'Ein Aufruf wartet auf Sie',
  '{app} asks for one call of {model}, for at most {sum}.':
    '{app} bittet um einen Aufruf von {model} für höchstens {sum}.',
  'An app asks to be connected': 'Eine App möchte verbunden werden',
  '(unverified)': '(ungeprüft)',
  '{app} asks to be connected; its page shows {match}.': '{app} möchte verbunden werden; ihre Seite zeigt {match}.',
  '{app} asks to be connected.': '{app} möchte verbunden werden.',
  'A limit is nearly reached': 'Ein Limit ist fast erreicht',
  'A limit is reached': 'Ein Limit ist erreicht',
  'Quota Wallet': 'Quota Wallet',
  'An app': 'Eine App',
  '{app} spent {sum} in ten minutes, more than on its busiest day. It was paused.':
    '{app} hat in zehn Minuten {sum} ausgegeben, mehr als an ihrem stärksten Tag. Sie wurde angehalten.',
  'An unusual pace': 'Ungewöhnlich hohe Ausgaben',
  'Money was added': 'Geld wurde aufgeladen',
  '{sum} was added to your balance.': '{sum} wurden Ihrem Guthaben gutgeschrieben.',
  'The server cannot be reached.': 'Der Server ist nicht erreichbar.',
  'You are signed out.': 'Sie sind abgemeldet.',
  'The server answered {status}.': 'Der Server antwortete mit {status}.',
  'The answer was cut short.': 'Die Antwort kam nicht vollständig an.',
  'Opening your wallet…': 'Ihre Wallet wird geöffnet…',
  'This screen broke': 'Diese Ansicht ist fehlgeschlagen',
  Reload: 'Neu laden',
  'Your money and your records are not affected.': 'Ihr Geld und Ihre Daten sind nicht betroffen.',
  'There is nothing here': 'Hier ist nichts',
  'Go to the wallet': 'Zur Wallet',
  'The address may be old or mistyped.': 'Die Adresse ist vielleicht veraltet oder vertippt.',
  'The server refused this.': 'Der Server hat das abgelehnt.',
  'The server did not say what became of the changes.': 'Der Server sagte nicht, was aus den Änderungen wurde.',
  '{app} has used 80 % of its limit of {limit}.': '{app} hat 80 % des Limits von {limit} verbraucht.',
  'An automatic top-up of {sum} was refused by your bank. Nothing was charged. Automatic top-ups are off now.':
    'Ihre Bank hat eine automatische Aufladung über {sum} abgelehnt. Es wurde nichts abgebucht. Automatische Aufladungen sind jetzt ausgeschaltet.',
  'An automatic top-up of {sum} was refused by your bank. Nothing was charged.':
    'Ihre Bank hat eine automatische Aufladung über {sum} abgelehnt. Es wurde nichts abgebucht.',
  'The proof was not found at {place}.': 'Der Nachweis wurde unter {place} nicht gefunden.',
  'A refund of {sum} did not reach your card. The money is in your wallet again.':
    'Eine Erstattung über {sum} kam nicht auf Ihrer Karte an. Das Geld ist wieder in Ihrer Wallet.',
  'Somebody else has signed in; opening their wallet.':
    'Jemand anderes hat sich angemeldet; dessen Wallet wird geöffnet.',
  'The server does not say whose wallet this is.': 'Der Server sagt nicht, wessen Wallet das ist.',
  'This sign-in was not started in this tab. Start again.':
    'Diese Anmeldung wurde nicht in diesem Tab begonnen. Bitte beginnen Sie neu.',
  'its program could not be loaded': 'das Programm dafür konnte nicht geladen werden',
  'This device is offline.': 'Dieses Gerät ist offline.',
  'The storage of this device is full.': 'Der Speicher dieses Geräts ist voll.',
  'A page of the history came incomplete; asking again.':
    'Ein Teil des Verlaufs kam unvollständig an; er wird erneut angefordert.',
  'The server speaks a newer version of the wallet’s language.':
    'Der Server ist neuer, als diese Wallet ihn verstehen kann.',
  'Verified on this device': 'Auf diesem Gerät geprüft',
  'Not checked: this browser cannot check signatures here':
    'Nicht geprüft: Dieser Browser kann hier keine Signaturen prüfen',
  'The signature is not the server’s': 'Die Signatur ist nicht die des Servers',
  'It does not follow the receipt before it: one is missing or was changed':
    'Er folgt nicht auf den Beleg davor: Einer fehlt oder wurde verändert',
  'The receipt and the log disagree': 'Beleg und Verlauf widersprechen sich',
  'The units and prices do not add up to the base charge': 'Mengen und Preise ergeben nicht den Basisbetrag',
  'More was taken from a grant than the call cost': 'Einer Zuwendung wurde mehr entnommen, als der Aufruf kostete',
  'The markup is not what was agreed': 'Der Aufschlag ist nicht der vereinbarte',
  'Base and markup do not add up to the total': 'Basis und Aufschlag ergeben nicht die Summe',
}
