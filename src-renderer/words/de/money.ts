// German: adding money, purchases and refunds.
// owns: its sentences. never: a sentence of another part. always true: data alone.

import type { Catalogue } from '../../words.ts'

export const MONEY: Catalogue = {
  'Add money': 'Aufladen',
  Buy: 'Kaufen',
  'The packages are shown once the server can be reached.': 'Die Pakete erscheinen, sobald der Server erreichbar ist.',
  'Opening the payment page…': 'Zahlungsseite wird geöffnet…',
  'Pay {sum}': '{sum} bezahlen',
  'Adding money needs a connection.': 'Zum Aufladen ist eine Verbindung nötig.',
  'You pay on a page of its own; the wallet never sees your card. Your balance does not expire.':
    'Sie zahlen auf einer eigenen Seite; die Wallet sieht Ihre Karte nie. Ihr Guthaben verfällt nicht.',
  'Keep this card for automatic top-ups': 'Diese Karte für automatische Aufladungen speichern',
  'It takes the place of {card}.': 'Sie ersetzt {card}.',
  'Nothing is charged by it until you turn those on.': 'Sie wird nicht belastet, bis Sie diese einschalten.',
  'The server cannot be reached. Nothing was paid; try again.':
    'Der Server ist nicht erreichbar. Es wurde nichts bezahlt; versuchen Sie es erneut.',
  'You are signed out. Sign in, then try again. Nothing was paid.':
    'Sie sind abgemeldet. Melden Sie sich an und versuchen Sie es erneut. Es wurde nichts bezahlt.',
  '{reason} Nothing was paid.': '{reason} Es wurde nichts bezahlt.',
  'There is no package to buy.': 'Es gibt kein Paket zu kaufen.',
  'When the balance falls below': 'Wenn das Guthaben fällt unter',
  '{balance} for {price} (fee {fee})': '{balance} für {price} (Gebühr {fee})',
  'At most in a calendar month': 'Höchstens in einem Kalendermonat',
  'In price, fees included. Never more than three a day.': 'Als Preis, samt Gebühren. Nie mehr als drei am Tag.',
  Save: 'Speichern',
  'Turn on': 'Einschalten',
  '{price} below {threshold}': '{price} bei unter {threshold}',
  'At most {sum}, which is what the package brings.': 'Höchstens {sum}; so viel bringt das Paket.',
  'At least {sum}, the price of the package.': 'Mindestens {sum}, der Preis des Pakets.',
  'At most {sum}.': 'Höchstens {sum}.',
  'Whole cents.': 'Nur ganze Cent.',
  'Your bank refused the card three times.': 'Ihre Bank hat die Karte dreimal abgelehnt.',
  'Your bank wants you to confirm each payment yourself.': 'Ihre Bank will, dass Sie jede Zahlung selbst bestätigen.',
  'There is no saved card, or the package is no longer offered.':
    'Es ist keine Karte gespeichert, oder das Paket wird nicht mehr angeboten.',
  'Your bank warned that a payment may not have been yours.':
    'Ihre Bank warnte, dass eine Zahlung vielleicht nicht von Ihnen war.',
  'It turned itself off. {reason} Nothing is bought until you turn it on again.':
    'Sie hat sich ausgeschaltet. {reason} Es wird nichts gekauft, bis Sie sie wieder einschalten.',
  'Go on in your browser: your account page asks for your own sign-in first.':
    'Weiter in Ihrem Browser: Ihre Kontoseite verlangt zuerst Ihre eigene Anmeldung.',
  Change: 'Ändern',
  'Turn on again': 'Wieder einschalten',
  'Turn off': 'Ausschalten',
  'Remove card': 'Karte entfernen',
  '{card} is charged without asking you again, within these bounds. You can turn it off at any time.':
    '{card} wird in diesen Grenzen belastet, ohne Sie noch einmal zu fragen. Sie können das jederzeit ausschalten.',
  'Remove the card': 'Karte entfernen',
  '{card} is forgotten here and at the payment provider, and is not charged again.':
    '{card} wird hier und beim Zahlungsdienst gelöscht und nicht mehr belastet.',
  'Automatic top-ups are turned off.': 'Automatische Aufladungen werden ausgeschaltet.',
  'To keep a card again, tick “Keep this card” when you pay.':
    'Um wieder eine Karte zu speichern, setzen Sie beim Bezahlen das Häkchen „Diese Karte … speichern“.',
  'Remove {name}': '{name} entfernen',
  'Off. {card} is saved and is not charged.': 'Aus. {card} ist gespeichert und wird nicht belastet.',
  'Off. To use it, save a card: tick “Keep this card” when you pay.':
    'Aus. Speichern Sie dafür eine Karte: mit dem Häkchen „Diese Karte … speichern“ beim Bezahlen.',
  On: 'Ein',
  'Buys {what} for {price} when less than {threshold} is left.':
    'Kauft {what} für {price}, wenn weniger als {threshold} übrig ist.',
  'Buys {what} when less than {threshold} is left.': 'Kauft {what}, wenn weniger als {threshold} übrig ist.',
  'This month': 'Dieser Monat',
  '{part} of {whole}': '{part} von {whole}',
  'Last 24 hours': 'Letzte 24 Stunden',
  '{today} of {n} purchases': { one: '{today} von {n} Kauf', other: '{today} von {n} Käufen' },
  Card: 'Karte',
  'It is shown once the server can be reached.': 'Sie erscheint, sobald der Server erreichbar ist.',
  'Automatic top-up': 'Automatische Aufladung',
  'Loading the automatic top-up': 'Automatische Aufladung wird geladen',
  'You owe {sum}.': 'Sie schulden {sum}.',
  'A card payment was taken back after its money had been spent. Until it is settled, apps cannot spend from this wallet. Whatever you add settles it first.':
    'Eine Kartenzahlung wurde zurückgeholt, nachdem ihr Geld ausgegeben war. Bis das beglichen ist, können Apps aus dieser Wallet nichts ausgeben. Was Sie aufladen, begleicht es zuerst.',
  'All of it settles what you owe; {sum} stays open.': 'Alles davon begleicht Ihre Schuld; {sum} bleiben offen.',
  'It settles all that you owe.': 'Es begleicht Ihre ganze Schuld.',
  '{sum} of it settles what you owe; {rest} is left for your balance.':
    '{sum} davon begleichen Ihre Schuld; {rest} bleiben für Ihr Guthaben.',
  'Loading the packages': 'Pakete werden geladen',
  Package: 'Paket',
  '{name}: pay {price}, get {balance}, fee {fee}': '{name}: {price} zahlen, {balance} erhalten, Gebühr {fee}',
  'for your balance': 'für Ihr Guthaben',
  'includes {fee} fee': 'davon {fee} Gebühr',
  Continue: 'Fortsetzen',
  'The payment is not confirmed yet. If you paid, the money appears by itself.':
    'Die Zahlung ist noch nicht bestätigt. Wenn Sie gezahlt haben, erscheint das Geld von selbst.',
  'A payment of {sum} was started {time} and is not finished.':
    'Eine Zahlung über {sum} (begonnen {time}) ist nicht abgeschlossen.',
  OK: 'OK',
  'was added to your balance.': 'wurden Ihrem Guthaben gutgeschrieben.',
  'there was not enough money on the card': 'auf der Karte war nicht genug Geld',
  'the card has expired': 'die Karte ist abgelaufen',
  'the security code was wrong': 'die Prüfziffer war falsch',
  'the card number was wrong': 'die Kartennummer war falsch',
  'your bank wants you to confirm it yourself': 'Ihre Bank will, dass Sie sie selbst bestätigen',
  'the card is over its limit': 'die Karte ist über ihrem Limit',
  'this card cannot be used for it': 'diese Karte ist dafür nicht geeignet',
  'this card cannot pay in dollars': 'diese Karte kann nicht in Dollar zahlen',
  'something went wrong at the bank': 'bei der Bank ging etwas schief',
  'there was no saved card': 'es war keine Karte gespeichert',
  'your bank did not say why': 'Ihre Bank nannte keinen Grund',
  'Being charged': 'Wird abgebucht',
  'Not finished': 'Nicht abgeschlossen',
  'Your saved card is being charged.': 'Ihre gespeicherte Karte wird belastet.',
  'Nothing is charged until you pay on the payment page.':
    'Es wird nichts abgebucht, bis Sie auf der Zahlungsseite zahlen.',
  'Under way': 'Unterwegs',
  'This way of paying takes some days. The money appears by itself when it arrives.':
    'Diese Zahlungsart dauert einige Tage. Das Geld erscheint von selbst, sobald es eintrifft.',
  Declined: 'Abgelehnt',
  'It was refused: {reason}. Nothing was charged.': 'Sie wurde abgelehnt: {reason}. Es wurde nichts abgebucht.',
  Failed: 'Fehlgeschlagen',
  'The payment did not arrive: {reason}. Nothing was added.':
    'Die Zahlung kam nicht an: {reason}. Es wurde nichts gutgeschrieben.',
  'The payment was not finished in time. Nothing was charged.':
    'Die Zahlung wurde nicht rechtzeitig abgeschlossen. Es wurde nichts abgebucht.',
  'Your bank asks for this payment back. What is left of it is set aside until that is decided.':
    'Ihre Bank fordert diese Zahlung zurück. Was davon übrig ist, ist zurückgelegt, bis das entschieden ist.',
  Disputed: 'Strittig',
  'Taken back': 'Zurückgeholt',
  'Your bank took this payment back ({sum}).': 'Ihre Bank hat diese Zahlung zurückgeholt ({sum}).',
  'Refund under way': 'Erstattung unterwegs',
  '{sum} is on its way to your card.': '{sum} sind unterwegs zu Ihrer Karte.',
  Refunded: 'Erstattet',
  'Partly refunded': 'Teilweise erstattet',
  '{sum} went back to your card.': '{sum} gingen auf Ihre Karte zurück.',
  'Your bank asked for this payment back; that is over, and it stands.':
    'Ihre Bank hatte diese Zahlung zurückgefordert; das ist erledigt, die Zahlung gilt.',
  Paid: 'Bezahlt',
  Purchases: 'Käufe',
  'Reading your purchases': 'Ihre Käufe werden gelesen',
  'Nothing bought yet. Purchases appear here with their receipts.':
    'Noch nichts gekauft. Käufe erscheinen hier mit ihren Belegen.',
  'Show all {count}': 'Alle {count} zeigen',
  'Bought by automatic top-up': 'Durch automatische Aufladung gekauft',
  Automatic: 'Automatisch',
  'Paid {sum}.': '{sum} bezahlt.',
  Started: 'Begonnen',
  Price: 'Preis',
  'Fee in it': 'Gebühr darin',
  'Added to your balance': 'Ihrem Guthaben gutgeschrieben',
  'Would have added': 'Hätte gutgeschrieben',
  'On its way back': 'Auf dem Rückweg',
  'Went back': 'Zurückgegangen',
  Purchase: 'Kauf',
  'A test payment: no real money moved.': 'Eine Testzahlung: Es floss kein echtes Geld.',
  'Save receipt (PDF)': 'Beleg speichern (PDF)',
  'Open receipt': 'Beleg öffnen',
  'Money back': 'Geld zurück',
  'What you bought and have not spent can go back to the card it came from, at any time. The fee of a purchase does not come back.':
    'Was Sie gekauft und nicht ausgegeben haben, kann jederzeit auf die Karte zurück, von der es kam. Die Gebühr eines Kaufs kommt nicht zurück.',
  Refund: 'Erstatten',
  'Money back to your card': 'Geld zurück auf Ihre Karte',
  'Asking what can go back': 'Es wird gefragt, was zurückgehen kann',
  'Nothing can go back now: what you bought is spent, reserved, refunded already or held by a dispute. Money that apps granted you is theirs to give, and cannot be paid out.':
    'Jetzt kann nichts zurückgehen: Was Sie gekauft haben, ist ausgegeben, reserviert, schon erstattet oder strittig. Zuwendungen von Apps können nicht ausgezahlt werden.',
  'At most {sum} can go back.': 'Höchstens {sum} können zurückgehen.',
  Amount: 'Betrag',
  'Refund {sum}': '{sum} erstatten',
  'Comes back from': 'Kommt zurück aus',
  'Left in your wallet': 'Bleibt in Ihrer Wallet',
  'The oldest unspent money goes back first, each part to the card it came from. Fees do not come back; money that apps granted you stays as it is.':
    'Das älteste nicht ausgegebene Geld geht zuerst zurück, jeder Teil auf die Karte, von der er kam. Gebühren kommen nicht zurück; Zuwendungen von Apps bleiben, wie sie sind.',
  'An earlier purchase': 'Ein früherer Kauf',
  'Bought {time} for {sum}': 'Gekauft für {sum} ({time})',
  'is on its way to your card. Banks show it within 5 to 10 days. If one cannot take it, the money comes back to your wallet and you are told.':
    'sind unterwegs zu Ihrer Karte. Banken zeigen es nach 5 bis 10 Tagen. Kann eine es nicht annehmen, kommt das Geld in Ihre Wallet zurück, und Sie erfahren es.',
  Done: 'Fertig',
}
