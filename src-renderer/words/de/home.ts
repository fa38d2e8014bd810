// German: Home.
// owns: its sentences. never: a sentence of another part. always true: data alone.

import type { Catalogue } from '../../words.ts'

export const HOME: Catalogue = {
  Home: 'Übersicht',
  'Nothing spent yet': 'Noch nichts ausgegeben',
  'Add money, then choose “Connect wallet” in an app. It asks here first, and you set its limit.':
    'Laden Sie Geld auf und wählen Sie dann in einer App „Connect wallet“. Sie fragt zuerst hier, und Sie setzen ihr Limit.',
  'All activity': 'Zur Aktivität',
  Latest: 'Zuletzt',
  'Calls appear here as apps make them.': 'Hier erscheinen Aufrufe, sobald Apps sie machen.',
  Balance: 'Guthaben',
  Available: 'Verfügbar',
  Reserved: 'Reserviert',
  'Set aside for calls that are running now': 'Zurückgelegt für Aufrufe, die gerade laufen',
  'Spent this month': 'Monatsausgaben',
  'about {sum} by its end, at this pace': 'bei diesem Tempo etwa {sum} bis Monatsende',
  Owed: 'Geschuldet',
  'Settled first by what you add': 'Wird mit der nächsten Aufladung zuerst beglichen',
  'Granted by apps': 'Zuwendungen von Apps',
  'Can be spent only in the apps that gave it': 'Nur in den Apps verwendbar, die sie gegeben haben',
  'Spent in the last 30 days': 'Ausgegeben in den letzten 30 Tagen',
  Today: 'Heute',
  'By app, this month': 'Nach App, dieser Monat',
  'No calls this month.': 'Keine Aufrufe in diesem Monat.',
  'Needs you': 'Wartet auf Sie',
  'Nothing. You are all set.': 'Nichts. Alles in Ordnung.',
  'Settle it': 'Begleichen',
  'You owe {sum}. Apps cannot spend until it is settled.':
    'Sie schulden {sum}. Bis das beglichen ist, können Apps nichts ausgeben.',
  'Only {sum} is left. Apps stop when it is used up.':
    'Nur noch {sum} verfügbar. Ist das verbraucht, hören die Apps auf.',
  '{app} has reached its limit of {limit}.': '{app} hat das Limit von {limit} erreicht.',
  '{app} has {rest} left of {limit}.': '{app} hat noch {rest} von {limit}.',
  Answer: 'Antworten',
  '{app} asks to spend up to {limit}.': '{app} möchte bis zu {limit} ausgeben.',
  '{app} asks to spend.': '{app} möchte Geld ausgeben.',
  Request: 'Anfrage',
  'This request is over: it was answered elsewhere, or its time ran out.':
    'Diese Anfrage ist vorbei: Sie wurde anderswo beantwortet, oder ihre Zeit ist abgelaufen.',
  Dismiss: 'Ausblenden',
  'Not done:': 'Nicht ausgeführt:',
  'It was changed on another device meanwhile; look at it again before you change it.':
    'Das wurde inzwischen auf einem anderen Gerät geändert; sehen Sie noch einmal hin, bevor Sie es ändern.',
  'The server refused it.': 'Der Server hat es abgelehnt.',
  'an app': 'einer App',
  and: 'und',
  'Limit of {app} to {limits}': 'Limit von {app} auf {limits}',
  'Pause {app}': '{app} anhalten',
  'Resume {app}': '{app} fortsetzen',
  'Rename {app}': '{app} umbenennen',
  'Allow spending again': 'Ausgaben wieder erlauben',
  'Note on a receipt': 'Notiz zu einem Beleg',
  'Change of your profile': 'Änderung Ihres Profils',
  'Put a notice away': 'Hinweis ausblenden',
  'Answer to a request': 'Antwort auf eine Anfrage',
  'Call of {app}': 'Aufruf von {app}',
  '{app} asks for one call of {model}. It may cost at most {sum}. What is not used is not charged.':
    '{app} bittet um einen Aufruf von {model}. Er kostet höchstens {sum}. Was nicht verbraucht wird, wird nicht berechnet.',
  'Approve once, up to {sum}': 'Einmal freigeben, bis {sum}',
  Refuse: 'Ablehnen',
  '{seconds} s left': 'noch {seconds} s',
  '{name} is paused.': '{name} ist angehalten.',
  'It spent {sum} within ten minutes, more than on its busiest day of the last month ({usual}). Is that all right?':
    'Sie hat in zehn Minuten {sum} ausgegeben, mehr als an ihrem stärksten Tag des letzten Monats ({usual}). Ist das in Ordnung?',
  'Yes, let it go on': 'Ja, weitermachen lassen',
  'Keep it paused': 'Angehalten lassen',
}
