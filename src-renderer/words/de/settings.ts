// German: Settings.
// owns: its sentences. never: a sentence of another part. always true: data alone.

import type { Catalogue } from '../../words.ts'

export const SETTINGS: Catalogue = {
  Settings: 'Einstellungen',
  Profile: 'Profil',
  'For developers': 'Für Entwickler',
  'Register apps, take keys, give grants, and see what you earn.':
    'Apps registrieren, Schlüssel holen, Zuwendungen geben und sehen, was Sie einnehmen.',
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
  'The open server is {host}; others are below.': 'Der geöffnete Server ist {host}; andere stehen darunter.',
  'Accounts on this device': 'Konten auf diesem Gerät',
  'Each account of each server is kept apart; nothing is ever mixed.':
    'Jedes Konto jedes Servers wird getrennt gehalten; nichts wird je vermischt.',
  Open: 'Offen',
  'Sign in as somebody else': 'Als jemand anderes anmelden',
  'Remove this copy?': 'Diese Kopie entfernen?',
  'Remove it from this device': 'Von diesem Gerät entfernen',
  'The copy of {account} at {host} is deleted here, with {n} unsent changes. The account itself stays with its server.':
    {
      one: 'Die Kopie von {account} bei {host} wird hier gelöscht, samt {n} nicht gesendeten Änderung. Das Konto selbst bleibt auf seinem Server.',
      other:
        'Die Kopie von {account} bei {host} wird hier gelöscht, samt {n} nicht gesendeten Änderungen. Das Konto selbst bleibt auf seinem Server.',
    },
  Servers: 'Server',
  'One server is open at a time; each has its own sign-in, and its own copy on this device. Changes that were not sent yet wait in that copy until you come back.':
    'Immer ist ein Server geöffnet; jeder hat seine eigene Anmeldung und seine eigene Kopie auf diesem Gerät. Noch nicht gesendete Änderungen warten in dieser Kopie, bis Sie zurückkommen.',
  'Server: {host}': 'Server: {host}',
  Switch: 'Wechseln',
  'Switch to {host}': 'Zu {host} wechseln',
  'Remove {host}': '{host} entfernen',
  'Remove {host}?': '{host} entfernen?',
  'Address of another server': 'Adresse eines anderen Servers',
  'Add server': 'Server hinzufügen',
  'Asking…': 'Wird gefragt …',
  'You are signed out there, and what this device keeps of it is deleted. Your account and your money stay with that server.':
    'Sie werden dort abgemeldet, und was dieses Gerät davon aufbewahrt, wird gelöscht. Ihr Konto und Ihr Geld bleiben bei jenem Server.',
  '{n} changes of {account} were not sent, and are lost.': {
    one: '{n} Änderung von {account} wurde nicht gesendet und geht verloren.',
    other: '{n} Änderungen von {account} wurden nicht gesendet und gehen verloren.',
  },
  'This is not an address. It looks like wallet.example.com.':
    'Das ist keine Adresse. Sie sieht aus wie wallet.example.com.',
  'A server on another machine has to be reached by https.':
    'Ein Server auf einem anderen Rechner muss über https erreicht werden.',
  'Nothing answers at this address. Check it, and your connection.':
    'Unter dieser Adresse antwortet nichts. Prüfen Sie die Adresse und Ihre Verbindung.',
  'This device does not trust the certificate of this server.':
    'Dieses Gerät vertraut dem Zertifikat dieses Servers nicht.',
  'What answers at this address is not a Quota Wallet server.':
    'Was unter dieser Adresse antwortet, ist kein Server der Quota Wallet.',
  'There are as many servers as this program keeps. Remove one first.':
    'Mehr Server bewahrt dieses Programm nicht auf. Entfernen Sie zuerst einen.',
  'This wallet has one server.': 'Diese Wallet hat einen Server.',
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
