// German: an app asks to be connected.
// owns: its sentences. never: a sentence of another part. always true: data alone.

import type { Catalogue } from '../../words.ts'

export const REQUEST: Catalogue = {
  'Let {app} spend from your wallet?': 'Darf {app} Geld aus Ihrer Wallet ausgeben?',
  'Let {app} connect to your wallet?': 'Darf sich {app} mit Ihrer Wallet verbinden?',
  'Beside it, as before: {limits}.': 'Daneben gilt wie bisher: {limits}.',
  'Allow up to {limit}': 'Bis zu {limit} erlauben',
  Allow: 'Erlauben',
  'The limit holds, whatever the app does.': 'Das Limit gilt, was auch immer die App tut.',
  'Not enough for a usual chat with {model}, which costs {each}.':
    'Das reicht nicht für einen üblichen Chat mit {model}; er kostet {each}.',
  'Enough for about {n} chats with {model}, at {each} each.': {
    one: 'Reicht für etwa {n} Chat mit {model} zu {each}.',
    other: 'Reicht für etwa {n} Chats mit {model} zu je {each}.',
  },
  'It replaces your limit of {limit}.': 'Es ersetzt Ihr Limit von {limit}.',
  'The app suggested this limit; you can set another.':
    'Dieses Limit hat die App vorgeschlagen; Sie können ein anderes setzen.',
  'You can change it or stop the app at any time.': 'Sie können es jederzeit ändern oder die App stoppen.',
  'Your wallet shows this request too, with the number {number}. Answer it here or there.':
    'Auch Ihre Wallet zeigt diese Anfrage, mit der Zahl {number}. Antworten Sie hier oder dort.',
  'The page in your browser shows the number {number}. If it shows another one, or you did not start this, deny it.':
    'Die Seite in Ihrem Browser zeigt die Zahl {number}. Zeigt sie eine andere, oder haben Sie das nicht begonnen, dann lehnen Sie ab.',
  'Costs what the model costs, without a markup': 'Kostet, was das Modell kostet, ohne Aufschlag',
  'Adds a markup of {markup} to what the model costs': 'Schlägt {markup} auf den Preis des Modells auf',
  'This app has proved that it belongs to this domain.':
    'Diese App hat nachgewiesen, dass sie zu dieser Domain gehört.',
  'Nobody has proved who is behind this app. Anyone can choose any name.':
    'Niemand hat nachgewiesen, wer hinter dieser App steht. Jeder kann jeden Namen wählen.',
  Unverified: 'Ungeprüft',
  'Recognise you when you come back': 'Sie beim nächsten Mal wiedererkennen',
  'See your name': 'Ihren Namen sehen',
  'See your e-mail address': 'Ihre E-Mail-Adresse sehen',
  'See how much it may spend': 'Sehen, wie viel sie ausgeben darf',
  'Pay for AI calls from your balance, up to your limit': 'KI-Aufrufe aus Ihrem Guthaben bezahlen, bis zu Ihrem Limit',
  'Stay connected until you disconnect it': 'Verbunden bleiben, bis Sie die App trennen',
  'Something this wallet does not know: {scope}': 'Etwas, das diese Wallet nicht kennt: {scope}',
  'What changed': 'Was sich geändert hat',
  'New since you last agreed': 'Neu seit Ihrer letzten Zustimmung',
  'is now': 'ist jetzt',
  'Done. Taking you back… You can close this page if nothing happens.':
    'Fertig. Sie werden zurückgeleitet… Wenn nichts geschieht, können Sie diese Seite schließen.',
  'This request is over': 'Diese Anfrage ist vorbei',
  'Loading the request': 'Anfrage wird geladen',
  'The server’s answer could not be read. Go back to the app and start again.':
    'Die Antwort des Servers war nicht lesbar. Gehen Sie zurück zur App und beginnen Sie neu.',
  'It has expired or was answered already. Go back to the app and start again.':
    'Sie ist abgelaufen oder schon beantwortet. Gehen Sie zurück zur App und beginnen Sie neu.',
  'The app’s return address is not allowed.': 'Die Rücksprungadresse der App ist nicht erlaubt.',
}
