// The wallet in German.
// owns: the list of its parts, and the words it keeps to. never: a sentence that the code has not. always true: each English
// sentence stands in one part only (test/words.test.ts).
//
// We say Sie. The words we keep to:
//   balance Guthaben · limit/cap Limit · charge Belastung · receipt Beleg · hold Reservierung (held: reserviert)
//   call Aufruf · entry Eintrag · app App · model Modell · request Anfrage · approval Freigabe · statement Auszug
//   to connect/disconnect verbinden/trennen · to pause anhalten (paused: angehalten) · to revoke entziehen
//   add money, top-up Geld aufladen, Aufladung · automatic top-up automatische Aufladung · refund Erstattung
//   free (money) verfügbar · spent ausgegeben · markup Aufschlag · grant Zuwendung · package Paket · device Gerät
//   to verify, check out prüfen, stimmen · local copy Kopie auf diesem Gerät · sign in/out anmelden/abmelden
//   passkey Passkey · recovery code Wiederherstellungscode · developer Entwickler · operator Betreiber · tag Stichwort · note Notiz

import type { Catalogue } from '../words.ts'
import { FORMAT } from './de/format.ts'
import { SETTINGS_DEVICE } from './de/settings-device.ts'

export const PARTS: Readonly<Record<string, Catalogue>> = { FORMAT, SETTINGS_DEVICE }

export const GERMAN: Catalogue = Object.assign({}, ...Object.values(PARTS))
