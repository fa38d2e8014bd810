// German: what the server says when it refuses something (server/contract/faults.ts), and some refusals of single routes.
// owns: those sentences. never: a code. always true: data alone; a sentence without German here is shown in English.

import type { Catalogue } from '../../words.ts'

export const FAULTS_SAID: Catalogue = {
  'The request is malformed.': 'Die Anfrage ist fehlerhaft.',
  'This parameter is not supported here.': 'Dieser Parameter wird hier nicht unterstützt.',
  'This key bills a user: name one in the path or in X-Quota-User.':
    'Dieser Schlüssel belastet einen Nutzer: Nennen Sie ihn im Pfad oder in X-Quota-User.',
  'This is not an e-mail address.': 'Das ist keine E-Mail-Adresse.',
  'A password has at least 8 characters.': 'Ein Passwort hat mindestens 8 Zeichen.',
  'This address is not allowed.': 'Diese Adresse ist nicht erlaubt.',
  'Passkeys need a server that is reached by a name.':
    'Passkeys brauchen einen Server, der unter einem Namen erreichbar ist.',
  'The signature does not verify.': 'Die Signatur ist nicht gültig.',
  'No valid credential was given.': 'Es wurde kein gültiger Zugang angegeben.',
  'The access token is not valid.': 'Das Zugangs-Token ist nicht gültig.',
  'The proof of the token’s key is missing, malformed, or was used before.':
    'Der Nachweis des Schlüssels fehlt, ist fehlerhaft oder wurde schon benutzt.',
  'E-mail or password is wrong.': 'E-Mail oder Passwort ist falsch.',
  'The password is right; a second factor is needed too.': 'Das Passwort stimmt; ein zweiter Faktor ist auch nötig.',
  'This code is wrong, or was used before.': 'Dieser Code ist falsch oder wurde schon benutzt.',
  'Sign in first.': 'Melden Sie sich zuerst an.',
  'The balance does not cover this call.': 'Das Guthaben reicht nicht für diesen Aufruf.',
  'The balance does not cover this.': 'Das Guthaben reicht dafür nicht.',
  'The limit set for this app is reached.': 'Das Limit dieser App ist erreicht.',
  'This call could cost more than the limit for one call.':
    'Dieser Aufruf könnte mehr kosten als das Limit für einen Aufruf.',
  'This account owes money.': 'Dieses Konto schuldet Geld.',
  'Running calls have reserved the rest; it fits once they end.':
    'Laufende Aufrufe haben den Rest reserviert; danach passt es.',
  'The token lacks the scope for this.': 'Dem Token fehlt die Berechtigung dafür.',
  'This is not allowed.': 'Das ist nicht erlaubt.',
  'The request did not come from the wallet’s own pages.': 'Die Anfrage kam nicht von den Seiten der Wallet.',
  'Confirm first that it is you.': 'Bestätigen Sie zuerst, dass Sie es sind.',
  'The person has paused this app.': 'Diese App ist angehalten.',
  'The person refused this call; nothing was charged.': 'Dieser Aufruf wurde abgelehnt; es wurde nichts berechnet.',
  'The person did not answer in time; nothing was charged.':
    'Es kam rechtzeitig keine Antwort; es wurde nichts berechnet.',
  'This call needs the person’s approval.': 'Dieser Aufruf braucht eine Freigabe.',
  'The person has not allowed this model for this app.': 'Dieses Modell ist dieser App nicht erlaubt.',
  'This app is suspended.': 'Diese App ist gesperrt.',
  'The person has disconnected this app.': 'Diese App wurde getrennt.',
  'This user would be granted more than the app’s settings allow.':
    'Dieser Nutzer bekäme mehr Zuwendung, als die Einstellungen der App erlauben.',
  'There is no such thing here.': 'So etwas gibt es hier nicht.',
  'No such user is linked to this app.': 'Kein solcher Nutzer ist mit dieser App verknüpft.',
  'There is no such model here.': 'Dieses Modell gibt es hier nicht.',
  'This method is not allowed here.': 'Diese Methode ist hier nicht erlaubt.',
  'An account with this e-mail exists.': 'Zu dieser E-Mail gibt es ein Konto.',
  'There is still something in this account.': 'In diesem Konto ist noch etwas.',
  'This is set up already.': 'Das ist schon eingerichtet.',
  'An automatic top-up is charging this card; try again in a moment.':
    'Eine automatische Aufladung belastet diese Karte gerade; versuchen Sie es gleich noch einmal.',
  'This user id is linked to another person.': 'Diese Nutzerkennung ist mit einer anderen Person verknüpft.',
  'The person has to agree to the new terms first.': 'Den neuen Bedingungen muss zuerst zugestimmt werden.',
  'A request with this Idempotency-Key is still running.': 'Eine Anfrage mit diesem Idempotency-Key läuft noch.',
  'A mutation is missing before this one.': 'Vor dieser Änderung fehlt eine andere.',
  'This was changed elsewhere meanwhile.': 'Das wurde inzwischen anderswo geändert.',
  'The body is too large.': 'Der Inhalt ist zu groß.',
  'The address is too long.': 'Die Adresse ist zu lang.',
  'Send application/json, uncompressed.': 'Senden Sie application/json, unkomprimiert.',
  'This Idempotency-Key was used with another request.':
    'Dieser Idempotency-Key wurde schon für eine andere Anfrage benutzt.',
  'This id was used for something else.': 'Diese Kennung wurde schon für etwas anderes benutzt.',
  'Too many requests.': 'Zu viele Anfragen.',
  'The model provider limits the rate of requests.': 'Der Modellanbieter begrenzt die Zahl der Anfragen.',
  'Something broke here; it is logged.': 'Hier ist etwas fehlgeschlagen; es wurde protokolliert.',
  'The model provider failed; nothing was charged.': 'Der Modellanbieter ist ausgefallen; es wurde nichts berechnet.',
  'This server cannot send mail.': 'Dieser Server kann keine E-Mails senden.',
  'No provider is configured for this model.': 'Für dieses Modell ist kein Anbieter eingerichtet.',
  'The payment provider cannot be reached right now; nothing was charged.':
    'Der Zahlungsdienst ist gerade nicht erreichbar; es wurde nichts abgebucht.',
  'The books cannot be written right now; nothing was charged.':
    'Die Bücher können gerade nicht geschrieben werden; es wurde nichts berechnet.',
  'This server is shutting down; try again.': 'Dieser Server wird gerade beendet; versuchen Sie es erneut.',
  'The model provider did not answer in time.': 'Der Modellanbieter hat nicht rechtzeitig geantwortet.',
  'This request is over: it was answered, or its time ran out.':
    'Diese Anfrage ist vorbei: Sie wurde beantwortet, oder ihre Zeit ist abgelaufen.',
  'This browser is signed in to another account.': 'Dieser Browser ist mit einem anderen Konto angemeldet.',
  'This request was started in another browser.': 'Diese Anfrage wurde in einem anderen Browser begonnen.',
  'The current password is wrong.': 'Das jetzige Passwort ist falsch.',
  'This name has characters that are not allowed.': 'Dieser Name enthält Zeichen, die nicht erlaubt sind.',
  'So much cannot be bought in so short a time. Nothing was charged.':
    'So viel lässt sich in so kurzer Zeit nicht kaufen. Es wurde nichts abgebucht.',
  'This webhook is turned off: turn it on first.': 'Dieser Webhook ist aus: zuerst einschalten.',
  'A public app has no secret.': 'Eine öffentliche App hat kein Secret.',
  'redirect_uris: one is given twice.': 'redirect_uris: Eine steht doppelt da.',
  'logo_uri: must be https.': 'logo_uri: Nur https.',
  'holds a forbidden character.': 'enthält ein unzulässiges Zeichen.',
  'must begin with https:// (or http:// on loopback).':
    'muss mit https:// beginnen (oder http:// auf dem eigenen Rechner).',
  'is not an address.': 'ist keine Adresse.',
  'an https address, without spaces and without a fragment.': 'eine https-Adresse ohne Leerzeichen und ohne Fragment.',
  'must not have a fragment.': 'darf kein Fragment haben.',
  'must not carry a user name.': 'darf keinen Benutzernamen enthalten.',
  'must be https, or http on loopback.': 'muss https sein, oder http auf dem eigenen Rechner.',
  'name mixes scripts within a word.': 'name mischt Schriften innerhalb eines Wortes.',
  'domain: is not a public domain name, as in app.example.com.':
    'domain: Kein öffentlicher Domainname, etwa app.example.com.',
  'amount: dollars above zero, as in 0.50, with at most six decimals.':
    'amount: Dollar über null, etwa 0.50, mit höchstens sechs Nachkommastellen.',
  'external_user_id: 1 to 256 printable characters.': 'external_user_id: 1 bis 256 druckbare Zeichen.',
  'expires_at: a time in UTC, as in 2027-01-31T00:00:00Z.': 'expires_at: Eine Zeit in UTC, etwa 2027-01-31T00:00:00Z.',
  'has another number of cells.': 'hat eine andere Zahl von Feldern.',
  'not a public address': 'keine öffentliche Adresse',
  'no answer in time': 'keine Antwort in der Zeit',
  'the connection failed': 'Verbindung fehlgeschlagen',
  'There is no saved card.': 'Es ist keine Karte gespeichert.',
  'Automatic top-ups are off: there is no card, or the package is no longer offered.':
    'Automatische Aufladungen sind aus: Es gibt keine Karte, oder das Paket wird nicht mehr angeboten.',
}
