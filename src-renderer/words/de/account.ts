// German: the account, signing in and leaving.
// owns: its sentences. never: a sentence of another part. always true: data alone.

import type { Catalogue } from '../../words.ts'

export const ACCOUNT: Catalogue = {
  'Your data': 'Ihre Daten',
  'One JSON file with your profile, devices, apps, connections, top-ups, notes and every signed receipt.':
    'Eine JSON-Datei mit Profil, Geräten, Apps, Verbindungen, Aufladungen, Notizen und jedem signierten Beleg.',
  'Export everything': 'Alles exportieren',
  'Delete this account': 'Dieses Konto löschen',
  'Your name, address, notes and sign-ins are erased, and every app is disconnected. Receipts and the books stay, under a number that no longer says who you were.':
    'Name, Adresse, Notizen und Anmeldungen werden gelöscht, und jede App wird getrennt. Belege und Bücher bleiben, unter einer Nummer, die nicht mehr sagt, wer Sie waren.',
  'Delete account': 'Konto löschen',
  'Delete this account?': 'Dieses Konto löschen?',
  'This cannot be undone. Export your data first if you want to keep it.':
    'Das lässt sich nicht rückgängig machen. Exportieren Sie vorher Ihre Daten, wenn Sie sie behalten wollen.',
  'Type your e-mail address to confirm': 'Geben Sie zur Bestätigung Ihre E-Mail-Adresse ein',
  'Keep my account': 'Konto behalten',
  'Delete it': 'Löschen',
  'I give up my balance of {sum}. It is not paid back.':
    'Ich verzichte auf mein Guthaben von {sum}. Es wird nicht zurückgezahlt.',
  'A payment is under way. Try again when its money has arrived, or when it has failed.':
    'Eine Zahlung ist unterwegs. Versuchen Sie es erneut, wenn ihr Geld angekommen oder sie gescheitert ist.',
  '{sum} is reserved by running calls. Try again when they have ended.':
    '{sum} sind durch laufende Aufrufe reserviert. Versuchen Sie es erneut, wenn sie beendet sind.',
  'Your grant pool holds {sum}. Withdraw it first.': 'Ihr Zuwendungstopf enthält {sum}. Ziehen Sie das zuerst ab.',
  'You have earnings of {sum}. Have them paid out first.':
    'Sie haben Einnahmen von {sum}. Lassen Sie sie zuerst auszahlen.',
  'You publish {n} apps. Delete them first.': {
    one: 'Sie veröffentlichen {n} App. Löschen Sie sie zuerst.',
    other: 'Sie veröffentlichen {n} Apps. Löschen Sie sie zuerst.',
  },
  'Your balance is {sum} now. Look again at what you give up.':
    'Ihr Guthaben ist jetzt {sum}. Sehen Sie noch einmal hin, worauf Sie verzichten.',
  'Loading your account': 'Ihr Konto wird geladen',
  'Your account cannot be shown': 'Ihr Konto kann nicht angezeigt werden',
  'Try again': 'Erneut versuchen',
  'Back to the wallet': 'Zurück zur Wallet',
  'Your account': 'Ihr Konto',
  'The server cannot be reached. Check your connection and try again.':
    'Der Server ist nicht erreichbar. Prüfen Sie Ihre Verbindung und versuchen Sie es erneut.',
  'That was tried too often. Wait a minute and try again.':
    'Das wurde zu oft versucht. Warten Sie eine Minute und versuchen Sie es erneut.',
  'The password is wrong.': 'Das Passwort ist falsch.',
  'This code is wrong, or was used before. Wait for the next one.':
    'Dieser Code ist falsch oder wurde schon benutzt. Warten Sie auf den nächsten.',
  'This link is not valid, or no longer. Ask for a new one.':
    'Dieser Link gilt nicht oder nicht mehr. Fordern Sie einen neuen an.',
  'This passkey was not accepted.': 'Dieser Passkey wurde nicht angenommen.',
  'Choose a password of at least 8 characters.': 'Wählen Sie ein Passwort mit mindestens 8 Zeichen.',
  'The payment provider cannot be reached right now. Nothing was charged; try again later.':
    'Der Zahlungsdienst ist gerade nicht erreichbar. Es wurde nichts abgebucht; versuchen Sie es später.',
  'This server cannot send mail. Ask whoever runs it.':
    'Dieser Server kann keine E-Mails senden. Fragen Sie, wer ihn betreibt.',
  'Nothing was chosen. Try again.': 'Es wurde nichts ausgewählt. Versuchen Sie es erneut.',
  'Somebody else has signed in to this browser. Nothing was changed.':
    'Jemand anderes hat sich in diesem Browser angemeldet. Es wurde nichts geändert.',
  'Sign-in did not finish': 'Die Anmeldung wurde nicht abgeschlossen',
  'Sign in again': 'Erneut anmelden',
  'Choose a password of at least {min} characters.': 'Wählen Sie ein Passwort mit mindestens {min} Zeichen.',
  'Create your account': 'Konto erstellen',
  'Sign in': 'Anmelden',
  'Create account': 'Konto erstellen',
  Deny: 'Ablehnen',
  'You have an account?': 'Sie haben ein Konto?',
  'New here?': 'Neu hier?',
  'Sign in instead': 'Stattdessen anmelden',
  'Create an account': 'Konto erstellen',
  '{app} wants to connect to your wallet. You decide what it may spend in the next step.':
    '{app} möchte sich mit Ihrer Wallet verbinden. Was die App ausgeben darf, entscheiden Sie im nächsten Schritt.',
  'It holds your balance, your limits and your receipts.': 'Darin sind Ihr Guthaben, Ihre Limits und Ihre Belege.',
  'Welcome back.': 'Willkommen zurück.',
  'E-mail': 'E-Mail',
  Password: 'Passwort',
  'At least {min} characters.': 'Mindestens {min} Zeichen.',
  'Forgot password?': 'Passwort vergessen?',
  'There is an account with this e-mail already. Sign in instead.':
    'Zu dieser E-Mail gibt es schon ein Konto. Melden Sie sich stattdessen an.',
  'The e-mail or the password is wrong.': 'E-Mail oder Passwort ist falsch.',
  'Look into your mail': 'Sehen Sie in Ihre E-Mails',
  'If {email} has an account, a link is on its way. It works once, within an hour.':
    'Falls es zu {email} ein Konto gibt, ist ein Link unterwegs. Er gilt einmal, innerhalb einer Stunde.',
  'Forgot your password?': 'Passwort vergessen?',
  'Enter your e-mail address. A link to set a new one is sent to it.':
    'Geben Sie Ihre E-Mail-Adresse ein. Dorthin geht ein Link, um ein neues zu setzen.',
  'Send the link': 'Link senden',
  'Your password is set': 'Ihr Passwort ist gesetzt',
  'Every device and app was signed out. Sign in with the new password, here or in the desktop wallet.':
    'Jedes Gerät und jede App wurde abgemeldet. Melden Sie sich mit dem neuen Passwort an, hier oder in der Desktop-Wallet.',
  'Set a new password': 'Neues Passwort setzen',
  'It signs out every device and app. Connections and limits stay.':
    'Das meldet jedes Gerät und jede App ab. Verbindungen und Limits bleiben.',
  'New password': 'Neues Passwort',
  'Set password': 'Passwort setzen',
  'Confirm your e-mail address': 'E-Mail-Adresse bestätigen',
  'One more step: say that the address is yours.': 'Noch ein Schritt: Bestätigen Sie, dass die Adresse Ihnen gehört.',
  Confirm: 'Bestätigen',
  Confirmed: 'Bestätigt',
  '{email} is the address of your account.': '{email} ist die Adresse Ihres Kontos.',
  'Ask for a new link': 'Neuen Link anfordern',
  'Go to your account': 'Zu Ihrem Konto',
  'You set the limit': 'Sie setzen das Limit',
  'Every app gets its own: so much a day, a week, a month or in total.':
    'Jede App bekommt ihr eigenes: so viel pro Tag, Woche, Monat oder insgesamt.',
  'It holds': 'Es hält',
  'The most a call can cost is set aside before it runs. No app spends past its limit.':
    'Was ein Aufruf höchstens kosten kann, wird vorher zurückgelegt. Keine App gibt mehr aus als ihr Limit.',
  'You can check the bill': 'Sie können die Rechnung prüfen',
  'Each charge is signed, and recomputed here on your device.':
    'Jede Belastung ist signiert und wird hier auf Ihrem Gerät nachgerechnet.',
  'One balance for the AI in all your apps': 'Ein Guthaben für die KI in all Ihren Apps',
  'Go on in your browser. This window follows by itself.': 'Weiter in Ihrem Browser. Dieses Fenster folgt von selbst.',
  'The server cannot be reached': 'Der Server ist nicht erreichbar',
  'There is no copy of your wallet on this device yet, so there is nothing to show without it. Check your connection.':
    'Auf diesem Gerät gibt es noch keine Kopie Ihrer Wallet, also ist ohne ihn nichts zu zeigen. Prüfen Sie Ihre Verbindung.',
  'Your records cannot be kept here': 'Ihre Daten können hier nicht gespeichert werden',
  'This browser does not let the wallet keep a copy on this device; a private window or a full disk does that.':
    'Dieser Browser erlaubt der Wallet keine Kopie auf diesem Gerät; das liegt an einem privaten Fenster oder einer vollen Festplatte.',
}
