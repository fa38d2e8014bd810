// The wallet in German.
// owns: the list of its parts, and the words it keeps to. never: a sentence that the code has not. always true: each English
// sentence stands in one part only (test/words.test.ts).
//
// We say Sie, and buttons have infinitives. The words we keep to:
//   balance Guthaben · limit/cap Limit · charge Belastung · receipt Beleg · hold Reservierung (held: reserviert)
//   call Aufruf · entry Eintrag · app App · model Modell · request Anfrage · approval Freigabe · statement Auszug
//   to connect/disconnect verbinden/trennen · to pause anhalten (paused: angehalten) · to revoke, end (a key) widerrufen
//   add money, top-up Geld aufladen, Aufladung · automatic top-up automatische Aufladung · refund Erstattung
//   free (money) verfügbar · spent ausgegeben · markup Aufschlag · grant Zuwendung · package Paket · device Gerät
//   to verify, check out prüfen, stimmen · local copy Kopie auf diesem Gerät · sign in/out anmelden/abmelden
//   passkey Passkey · recovery code Wiederherstellungscode · developer Entwickler · user (of an app) Nutzer · operator Betreiber · tag Stichwort · note Notiz
//   pool Topf · payout Auszahlung · earnings Einnahmen · reserve Rücklage · key Schlüssel · secret Secret · to register registrieren
//   redirect address Rücksprungadresse · delivery Zustellung · event Ereignis. In the console we say it without Sie where we can.

import type { Catalogue } from '../words.ts'
import { ACCOUNT } from './de/account.ts'
import { ACTIVITY } from './de/activity.ts'
import { APPS } from './de/apps.ts'
import { CONSOLE } from './de/console.ts'
import { CONSOLE_APPS } from './de/console-apps.ts'
import { CONSOLE_MONEY } from './de/console-money.ts'
import { CONSOLE_WEBHOOKS } from './de/console-webhooks.ts'
import { FAULTS_SAID } from './de/faults.ts'
import { FORMAT } from './de/format.ts'
import { HOME } from './de/home.ts'
import { MONEY } from './de/money.ts'
import { PIECES } from './de/pieces.ts'
import { REQUEST } from './de/request.ts'
import { SECURITY } from './de/security.ts'
import { SETTINGS } from './de/settings.ts'
import { SETTINGS_DEVICE } from './de/settings-device.ts'
import { TOLD } from './de/told.ts'

export const PARTS: Readonly<Record<string, Catalogue>> = {
  ACCOUNT,
  ACTIVITY,
  APPS,
  CONSOLE,
  CONSOLE_APPS,
  CONSOLE_MONEY,
  CONSOLE_WEBHOOKS,
  FAULTS_SAID,
  FORMAT,
  HOME,
  MONEY,
  PIECES,
  REQUEST,
  SECURITY,
  SETTINGS,
  SETTINGS_DEVICE,
  TOLD,
}

export const GERMAN: Catalogue = Object.assign({}, ...Object.values(PARTS))
