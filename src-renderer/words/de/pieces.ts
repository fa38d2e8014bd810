// German: the frame around the screens, and the pieces they are made of.
// owns: its sentences. never: a sentence of another part. always true: data alone.

import type { Catalogue } from '../../words.ts'

export const PIECES: Catalogue = {
  'Write an amount in dollars, such as 5 or 2.50.': 'Geben Sie einen Betrag in Dollar ein, etwa 5 oder 2,50.',
  Close: 'Schließen',
  'Skip to content': 'Zum Inhalt springen',
  Wallet: 'Wallet',
  Developer: 'Entwickler',
  'This server runs without a payment provider: its money is not real.':
    'Dieser Server läuft ohne Zahlungsdienst: Sein Geld ist kein echtes.',
  'Test money': 'Testgeld',
  'All spending is stopped. No app can use your balance until you allow it again.':
    'Alle Ausgaben sind gestoppt. Keine App kann Ihr Guthaben nutzen, bis Sie es wieder erlauben.',
  Limit: 'Limit',
  'How often the limit starts again': 'Wie oft das Limit neu beginnt',
  '{spent} of {limit} spent {window}': '{spent} von {limit} {window} ausgegeben',
  'of {limit} {window}': 'von {limit} {window}',
  '{percent} % of the time has passed': '{percent} % der Zeit sind vergangen',
  '{held} reserved': '{held} reserviert',
  'A new window has begun; its figures come with the next sync':
    'Ein neuer Zeitraum hat begonnen; seine Zahlen kommen mit dem nächsten Abgleich',
  'resets {day}': 'beginnt neu am {day}',
  'does not reset': 'beginnt nicht neu',
  'Limit reached; {reset}': 'Limit erreicht; {reset}',
  'At this pace reached on {day}; {reset}': 'Bei diesem Tempo erreicht am {day}; {reset}',
  'At this pace {sum} by the end; {reset}': 'Bei diesem Tempo {sum} bis zum Ende; {reset}',
  'Nothing spent {window}; {reset}': 'Nichts ausgegeben {window}; {reset}',
  'Until I stop it': 'Bis ich es beende',
  'For a day': 'Einen Tag lang',
  'For a week': 'Eine Woche lang',
  'For 30 days': '30 Tage lang',
  'For a year': 'Ein Jahr lang',
  'More limits': 'Weitere Limits',
  'At most for one call': 'Höchstens für einen Aufruf',
  'A call that could cost more is refused.': 'Ein Aufruf, der mehr kosten könnte, wird abgelehnt.',
  'Ask me above': 'Nachfragen ab mehr als',
  'A call that could cost more waits until you approve it in your wallet.':
    'Ein Aufruf, der mehr kosten könnte, wartet, bis Sie ihn in Ihrer Wallet freigeben.',
  None: 'Keine',
  '{count} set': '{count} gesetzt',
  'No such limit': 'Kein solches Limit',
  'Write an amount in dollars, such as 0.50, or leave it empty.':
    'Geben Sie einen Betrag in Dollar ein, etwa 0,50, oder lassen Sie das Feld leer.',
  'How long': 'Wie lange',
  'Until {day}, as before': 'Bis {day}, wie bisher',
  Models: 'Modelle',
  'only {count} of them': 'nur {count} davon',
  any: 'alle',
  'The list of models cannot be read now.': 'Die Liste der Modelle ist gerade nicht verfügbar.',
  'Search models': 'Modelle suchen',
  '{price} a chat': '{price} pro Chat',
  'Ctrl K': 'Strg K',
  'Find or do': 'Schnellzugriff',
  'What would you like to do?': 'Was möchten Sie tun?',
  Command: 'Befehl',
  'Go to, pause, find …': 'Gehe zu, anhalten, suchen …',
  Commands: 'Befehle',
  'No such command.': 'Kein solcher Befehl.',
  'Go to': 'Gehe zu',
  'Find “{words}” in the log': '„{words}“ im Verlauf suchen',
  'Activity of {name}': 'Aktivität von {name}',
  'Connecting…': 'Verbindung wird aufgebaut…',
  'Fetching history · {count}': 'Verlauf wird geladen · {count}',
  'Up to date': 'Aktuell',
  'Offline since {time}': 'Offline seit {time}',
  'Signed out': 'Abgemeldet',
  'Not up to date': 'Nicht aktuell',
  Sync: 'Abgleich',
  'Try now': 'Jetzt versuchen',
  'Offline since {time}. You see everything as it was then; changes you make are sent later.':
    'Offline seit {time}. Sie sehen alles auf dem Stand von damals; Ihre Änderungen werden später gesendet.',
  'Not up to date since {time}: {reason} The wallet keeps trying.':
    'Nicht aktuell seit {time}: {reason} Die Wallet versucht es weiter.',
  'Not up to date: {reason} The wallet keeps trying.': 'Nicht aktuell: {reason} Die Wallet versucht es weiter.',
  'You are signed out. You see everything as it was at {time}. Nothing is lost; sign in to go on.':
    'Sie sind abgemeldet und sehen den Stand von {time}. Nichts ist verloren; melden Sie sich an, um weiterzumachen.',
  'You are signed out. Nothing is lost; sign in to go on.':
    'Sie sind abgemeldet. Nichts ist verloren; melden Sie sich an, um weiterzumachen.',
  'New entries cannot be kept here; your balance and limits at the server are not affected.':
    'Neue Einträge können hier nicht gespeichert werden; Guthaben und Limits auf dem Server sind nicht betroffen.',
  'Your last change was not kept, so it has not happened.':
    'Ihre letzte Änderung wurde nicht gespeichert und ist deshalb nicht geschehen.',
  'Free some space, then try again.': 'Schaffen Sie Platz und versuchen Sie es erneut.',
  '{n} entries': { one: '{n} Eintrag', other: '{n} Einträge' },
  'This device had lost its copy of your records (a browser clears it when storage runs out), so this copy was rebuilt at {time}. Nothing is missing: it came back from the server, and every receipt was checked again.':
    'Dieses Gerät hatte seine Kopie Ihrer Daten verloren (ein Browser löscht sie, wenn der Speicher knapp wird); sie wurde neu aufgebaut ({time}). Es fehlt nichts: Alles kam vom Server zurück, und jeder Beleg wurde erneut geprüft.',
  'The server’s records were put back to an earlier state, so this copy was rebuilt at {time}. It held {entries} before; they are being compared.':
    'Die Daten des Servers wurden auf einen früheren Stand zurückgesetzt; deshalb wurde diese Kopie neu aufgebaut ({time}). Vorher waren es {entries}; sie werden verglichen.',
  'This server tells two stories.': 'Dieser Server erzählt zwei Geschichten.',
  'It now has other records for a time it had already told this device about':
    'Er hat jetzt andere Daten für eine Zeit, über die er diesem Gerät schon berichtet hatte',
  '{n} charges ({sum}) from {since} on are gone or replaced': {
    one: '{n} Belastung ({sum}) ab {since} fehlt oder wurde ersetzt',
    other: '{n} Belastungen ({sum}) ab {since} fehlen oder wurden ersetzt',
  },
  'Save the proof, stop spending, and ask the operator before you add money. The copy held {entries} before.':
    'Sichern Sie den Beweis, stoppen Sie die Ausgaben, und fragen Sie den Betreiber, bevor Sie Geld aufladen. Vorher enthielt die Kopie {entries}.',
  'This server was put back to an earlier state': 'Dieser Server wurde auf einen früheren Stand zurückgesetzt',
  ', as from a backup: {n} charges ({sum}) from {since} on are no longer in its records, so this copy was rebuilt at {time}.':
    {
      one: ', etwa aus einer Sicherung: {n} Belastung ({sum}) ab {since} ist nicht mehr in seinen Daten; deshalb wurde diese Kopie neu aufgebaut ({time}).',
      other:
        ', etwa aus einer Sicherung: {n} Belastungen ({sum}) ab {since} sind nicht mehr in seinen Daten; deshalb wurde diese Kopie neu aufgebaut ({time}).',
    },
  'It held {entries} before; those that are gone are kept here as proof. Compare your balance, and ask the operator if money is missing.':
    'Vorher waren es {entries}; die fehlenden bleiben hier als Beweis. Vergleichen Sie Ihr Guthaben, und fragen Sie den Betreiber, falls Geld fehlt.',
  'Save the proof': 'Beweis sichern',
  'Look at them': 'Ansehen',
  '{n} receipts do not check out.': { one: '{n} Beleg stimmt nicht.', other: '{n} Belege stimmen nicht.' },
  'This device recomputes every charge, and the server’s figures differ. Do not rely on them until it is explained: save the proof, and ask the server’s operator.':
    'Dieses Gerät rechnet jede Belastung nach, und die Zahlen des Servers weichen ab. Verlassen Sie sich nicht auf sie, bis das geklärt ist: Sichern Sie den Beweis, und fragen Sie den Betreiber des Servers.',
  '{good} of {n} charges verified': {
    one: '{good} von {n} Belastung geprüft',
    other: '{good} von {n} Belastungen geprüft',
  },
}
