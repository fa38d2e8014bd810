// German: Settings of this device.
// owns: its sentences. never: a sentence of another part. always true: data alone.

import type { Catalogue } from '../../words.ts'

export const SETTINGS_DEVICE: Catalogue = {
  Notifications: 'Benachrichtigungen',
  'When a call or an app waits for you, when a limit is nearly reached, when a payment went wrong.':
    'Wenn ein Aufruf oder eine App auf Sie wartet, ein Limit fast erreicht oder eine Zahlung fehlgeschlagen ist.',
  'Runaway guard': 'Ausreißer-Schutz',
  'Pauses an app that spends more in ten minutes than on its busiest day of the last month, and asks you. It needs three days to know an app.':
    'Hält eine App an, die in zehn Minuten mehr ausgibt als an ihrem stärksten Tag des letzten Monats, und fragt Sie. Um eine App zu kennen, braucht er drei Tage.',
  'How this device behaves': 'Verhalten dieses Geräts',
  Language: 'Sprache',
  'As the system': 'Wie das System',
  'Amounts are written': 'Schreibweise von Beträgen',
  'This device': 'Dieses Gerät',
  Server: 'Server',
  'Last in step': 'Zuletzt abgeglichen',
  'Not yet': 'Noch nicht',
  'Entries kept here': 'Einträge hier',
  Receipts: 'Belege',
  '{n} do not check out': { one: '{n} stimmt nicht', other: '{n} stimmen nicht' },
  'All checked on arrival': 'Alle beim Eintreffen geprüft',
  Clock: 'Uhr',
  'This device’s is {n} minutes behind; the server’s is used': {
    one: 'Die Uhr dieses Geräts geht {n} Minute nach; es gilt die des Servers',
    other: 'Die Uhr dieses Geräts geht {n} Minuten nach; es gilt die des Servers',
  },
  'This device’s is {n} minutes ahead; the server’s is used': {
    one: 'Die Uhr dieses Geräts geht {n} Minute vor; es gilt die des Servers',
    other: 'Die Uhr dieses Geräts geht {n} Minuten vor; es gilt die des Servers',
  },
  '{n} changes not with the server yet': {
    one: '{n} Änderung ist noch nicht beim Server',
    other: '{n} Änderungen sind noch nicht beim Server',
  },
  '(refused: {reason})': '(abgelehnt: {reason})',
  '{n} changes have not reached the server and would be lost.': {
    one: '{n} Änderung hat den Server nicht erreicht und ginge verloren.',
    other: '{n} Änderungen haben den Server nicht erreicht und gingen verloren.',
  },
  'Sign out': 'Abmelden',
  'Sign out and lose {n} changes': {
    one: 'Abmelden und {n} Änderung verlieren',
    other: 'Abmelden und {n} Änderungen verlieren',
  },
  'Sign out?': 'Abmelden?',
  'Stay signed in': 'Angemeldet bleiben',
  'The copy on this device is deleted. Your balance, limits and receipts stay with the server.':
    'Die Kopie auf diesem Gerät wird gelöscht. Guthaben, Limits und Belege bleiben auf dem Server.',
  'Erase local copy': 'Kopie auf diesem Gerät löschen',
  'Erase the local copy?': 'Kopie auf diesem Gerät löschen?',
  'Erase and fetch again': 'Löschen und neu laden',
  'Everything kept on this device is deleted and fetched again from the server. Until that is done, nothing is shown offline.':
    'Alles, was auf diesem Gerät liegt, wird gelöscht und neu vom Server geladen. Bis dahin ist ohne Netz nichts zu sehen.',
}
