// German: Settings.
// owns: its sentences. never: a sentence of another part. always true: data alone.

import type { Catalogue } from '../../words.ts'

export const SETTINGS: Catalogue = {
  Settings: 'Einstellungen',
  Profile: 'Profil',
  'For developers': 'Für Entwickler',
  'Register apps, take keys, give grants, and see what you earn.':
    'Apps anmelden, Schlüssel holen, Zuwendungen geben und sehen, was Sie einnehmen.',
  'Open the developer console': 'Entwicklerkonsole öffnen',
  Monday: 'Montag',
  Sunday: 'Sonntag',
  Saturday: 'Samstag',
  Name: 'Name',
  'Time zone': 'Zeitzone',
  'Limits start again by its calendar.': 'Limits beginnen nach ihrem Kalender neu.',
  'The week starts on': 'Die Woche beginnt am',
  'Save changes': 'Änderungen speichern',
  'Kept; it is sent when the server can be reached.': 'Gespeichert; wird gesendet, sobald der Server erreichbar ist.',
  'Saved.': 'Gespeichert.',
  'Open your account page': 'Ihre Kontoseite öffnen',
  'Security and data': 'Sicherheit und Daten',
  'Password, passkeys, authenticator app, where you are signed in, export and deletion are on your account page, which opens in your browser. The wallet’s own access can change none of these: that page asks for your own sign-in.':
    'Passwort, Passkeys, Authenticator-App, Ihre Anmeldungen, Export und Löschung finden Sie auf Ihrer Kontoseite, die sich in Ihrem Browser öffnet. Der Zugang der Wallet kann nichts davon ändern: Jene Seite verlangt Ihre eigene Anmeldung.',
  'Password, passkeys, authenticator app, where you are signed in, export and deletion are on your account page. The wallet’s own access can change none of these: that page asks for your own sign-in.':
    'Passwort, Passkeys, Authenticator-App, Ihre Anmeldungen, Export und Löschung finden Sie auf Ihrer Kontoseite. Der Zugang der Wallet kann nichts davon ändern: Jene Seite verlangt Ihre eigene Anmeldung.',
  'This page comes from {host}, so it holds accounts of that server alone.':
    'Diese Seite kommt von {host} und enthält deshalb nur Konten dieses Servers.',
  'The program was started for {host}; accounts of other servers stay as they are.':
    'Das Programm wurde für {host} gestartet; Konten anderer Server bleiben, wie sie sind.',
  'Accounts on this device': 'Konten auf diesem Gerät',
  'Each account of each server is kept apart; nothing is ever mixed.':
    'Jedes Konto jedes Servers wird getrennt gehalten; nichts wird je vermischt.',
  Open: 'Geöffnet',
  'Sign in as somebody else': 'Als jemand anderes anmelden',
  'Remove this copy?': 'Diese Kopie entfernen?',
  'Remove it from this device': 'Von diesem Gerät entfernen',
  'The copy of {account} at {host} is deleted here, with {n} unsent changes. The account itself stays with its server.':
    {
      one: 'Die Kopie von {account} bei {host} wird hier gelöscht, samt {n} nicht gesendeten Änderung. Das Konto selbst bleibt auf seinem Server.',
      other:
        'Die Kopie von {account} bei {host} wird hier gelöscht, samt {n} nicht gesendeten Änderungen. Das Konto selbst bleibt auf seinem Server.',
    },
  'Your log as a file': 'Ihr Verlauf als Datei',
  'The JSON file holds every receipt, your notes and the server’s keys. It can be verified anywhere, without this wallet and without a network. Reading one in checks it here and brings its notes and tags back.':
    'Die JSON-Datei enthält jeden Beleg, Ihre Notizen und die Schlüssel des Servers. Sie lässt sich überall prüfen, ohne diese Wallet und ohne Netz. Beim Einlesen wird sie hier geprüft und bringt ihre Notizen und Stichwörter zurück.',
  'Save the whole log': 'Ganzen Verlauf speichern',
  'Read a saved file': 'Gespeicherte Datei einlesen',
  'Saved file': 'Gespeicherte Datei',
  'This file is no export of a Quota Wallet.': 'Diese Datei ist kein Export einer Quota Wallet.',
  '{file}, saved {day}': '{file}, gespeichert am {day}',
  ', of another account': ', von einem anderen Konto',
  'From number {n} on it tells another story than this wallet: one of them is not what the server signed first.':
    'Ab Nummer {n} erzählt sie eine andere Geschichte als diese Wallet: Eine von beiden ist nicht das, was der Server zuerst signiert hat.',
  'All of its notes and tags are in this wallet.': 'Alle ihre Notizen und Stichwörter sind in dieser Wallet.',
  'Bring back the notes and tags of {n} charges': {
    one: 'Notizen und Stichwörter von {n} Belastung zurückholen',
    other: 'Notizen und Stichwörter von {n} Belastungen zurückholen',
  },
}
