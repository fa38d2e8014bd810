// German: how the account is protected.
// owns: its sentences. never: a sentence of another part. always true: data alone.

import type { Catalogue } from '../../words.ts'

export const SECURITY: Catalogue = {
  Browser: 'Browser',
  'Wallet on a device': 'Wallet auf einem Gerät',
  'Signed in': 'Angemeldet',
  'Signing out takes effect at once. An app that is signed out keeps its connection and its limit, and asks you again.':
    'Abmelden wirkt sofort. Eine abgemeldete App behält ihre Verbindung und ihr Limit und fragt Sie erneut.',
  Devices: 'Geräte',
  'This one': 'Dieses',
  'Sign out {device}': '{device} abmelden',
  Passkeys: 'Passkeys',
  'Sign in with your fingerprint, your face or your device’s PIN, without a password. The desktop wallet signs in through a page in your browser, so they work for it too.':
    'Melden Sie sich mit Fingerabdruck, Gesicht oder der PIN Ihres Geräts an, ohne Passwort. Die Desktop-Wallet meldet sich über eine Seite in Ihrem Browser an, also gilt das auch für sie.',
  'Passkeys are bound to a name. They work once this server is reached by one, rather than by a bare address.':
    'Passkeys sind an einen Namen gebunden. Sie funktionieren, sobald dieser Server unter einem Namen statt unter einer bloßen Adresse erreichbar ist.',
  'Last used {time}': 'Zuletzt benutzt: {time}',
  'Added {time}, not used yet': 'Hinzugefügt: {time}, noch nicht benutzt',
  Remove: 'Entfernen',
  'Name of the new passkey': 'Name des neuen Passkeys',
  'Add a passkey': 'Passkey hinzufügen',
  'One more step': 'Noch ein Schritt',
  'Your account asks for a code of your authenticator app.': 'Ihr Konto verlangt einen Code Ihrer Authenticator-App.',
  'Enter one of the recovery codes that you kept. It is used up by this.':
    'Geben Sie einen Ihrer Wiederherstellungscodes ein. Er ist danach verbraucht.',
  'Recovery code': 'Wiederherstellungscode',
  'Use a recovery code': 'Wiederherstellungscode benutzen',
  'Use the authenticator app': 'Authenticator-App benutzen',
  Back: 'Zurück',
  'Use a passkey': 'Passkey benutzen',
  'Confirm that it is you': 'Bestätigen Sie, dass Sie es sind',
  'This change asks for it. It then holds for five minutes on this device.':
    'Diese Änderung verlangt es. Danach gilt es fünf Minuten lang auf diesem Gerät.',
  'Use a code instead': 'Stattdessen einen Code benutzen',
  'Use the password instead': 'Stattdessen das Passwort benutzen',
  'Code of your authenticator app': 'Code Ihrer Authenticator-App',
  'Authenticator app': 'Authenticator-App',
  'Signing in with your password asks for a code of your authenticator app.':
    'Die Anmeldung mit Ihrem Passwort verlangt einen Code Ihrer Authenticator-App.',
  'Asks for a code of an app on your phone when you sign in with your password.':
    'Verlangt bei der Anmeldung mit Passwort einen Code einer App auf Ihrem Telefon.',
  'Add an authenticator app': 'Authenticator-App hinzufügen',
  '{n} recovery codes left': {
    one: 'noch {n} Wiederherstellungscode',
    other: 'noch {n} Wiederherstellungscodes',
  },
  'New recovery codes': 'Neue Wiederherstellungscodes',
  'Remove the app': 'App entfernen',
  'Scan this with the app, then enter the code that it shows.':
    'Scannen Sie das mit der App und geben Sie dann den Code ein, den sie zeigt.',
  'QR code for your authenticator app': 'QR-Code für Ihre Authenticator-App',
  'No camera? Enter this key:': 'Keine Kamera? Geben Sie diesen Schlüssel ein:',
  'Turn it on': 'Einschalten',
  'Keep your recovery codes': 'Bewahren Sie Ihre Wiederherstellungscodes auf',
  'Each signs you in once if you lose your phone. They are not shown again: keep them where you keep other important papers.':
    'Jeder meldet Sie einmal an, falls Sie Ihr Telefon verlieren. Sie werden nicht noch einmal gezeigt: Bewahren Sie sie bei anderen wichtigen Papieren auf.',
  'Recovery codes': 'Wiederherstellungscodes',
  'Save as a file': 'Als Datei speichern',
  'I have kept them': 'Ich habe sie aufbewahrt',
  'Send the mail again': 'E-Mail noch einmal senden',
  'Sent. Open the link in it within an hour.': 'Gesendet. Öffnen Sie den Link darin innerhalb einer Stunde.',
  'Your e-mail address is not confirmed yet. Open the link in the mail that we sent you, so that you can set a new password if you lose yours.':
    'Ihre E-Mail-Adresse ist noch nicht bestätigt. Öffnen Sie den Link in der E-Mail, die wir Ihnen gesandt haben, damit Sie ein neues Passwort setzen können, falls Sie Ihres verlieren.',
  'Changed. Every other device and app was signed out.': 'Geändert. Jedes andere Gerät und jede App wurde abgemeldet.',
  'Changing it signs out every other device and app. Connections and limits stay.':
    'Eine Änderung meldet jedes andere Gerät und jede App ab. Verbindungen und Limits bleiben.',
  'Current password': 'Jetziges Passwort',
  'Change password': 'Passwort ändern',
  Cancel: 'Abbrechen',
  'E-mail address': 'E-Mail-Adresse',
  'It is {email}. A new one is used once you open the link that is sent to it.':
    'Sie lautet {email}. Eine neue gilt, sobald Sie den Link öffnen, der dorthin gesandt wird.',
  'If {email} is free, a link is on its way to it. Until you open it, nothing changes.':
    'Falls {email} frei ist, ist ein Link dorthin unterwegs. Bis Sie ihn öffnen, ändert sich nichts.',
  'New address': 'Neue Adresse',
}
