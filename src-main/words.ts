// What the desktop program says itself, in the language of the system: menus, tray, buttons of notifications.
// owns: that language, and its catalogue. never: what the page says (src-renderer/words.ts). always true: the English sentence in
// the code is the key, and is said as it stands where there is no other.

import type { MenuItemConstructorOptions } from 'electron'

type Item = MenuItemConstructorOptions
type Catalogue = Readonly<Record<string, string>>

export const GERMAN: Catalogue = {
  Home: 'Übersicht',
  Activity: 'Aktivität',
  Apps: 'Apps',
  'Add money': 'Aufladen',
  'Start with the computer': 'Mit dem Computer starten',
  'Keep running when the window is closed': 'Bei geschlossenem Fenster weiterlaufen',
  'Bring the wallet up by its key': 'Wallet mit ihrer Tastenkombination zeigen',
  'Settings…': 'Einstellungen…',
  File: 'Datei',
  '&File': '&Datei',
  Go: 'Gehe zu',
  '&Go': '&Gehe zu',
  View: 'Darstellung',
  'Show {product}': '{product} zeigen',
  Quit: 'Beenden',
  'Allow spending again…': 'Ausgaben wieder erlauben…',
  'Stop all spending': 'Alle Ausgaben stoppen',
  'Restart to update to {version}': 'Für Version {version} neu starten',
  'Looking for updates…': 'Updates werden gesucht…',
  'Look for updates': 'Nach Updates suchen',
  'Nobody is signed in': 'Niemand ist angemeldet',
  'Balance not known yet': 'Guthaben noch unbekannt',
  '{sum} available': '{sum} verfügbar',
  'One thing needs you': 'Eine Sache wartet auf Sie',
  '{n} things need you': '{n} Sachen warten auf Sie',
  'all spending is stopped': 'alle Ausgaben sind gestoppt',
  '{balance} · stopped': '{balance} · gestoppt',
  'Pause the app': 'App anhalten',
  Refuse: 'Ablehnen',
  'Look at the limit': 'Limit ansehen',
  'Look at the app': 'App ansehen',
  'Look at it': 'Ansehen',
  Show: 'Zeigen',
  'There is nothing here.': 'Hier ist nichts.',
  'This sign-in has already been answered. You can close this page.':
    'Diese Anmeldung ist schon beantwortet. Sie können diese Seite schließen.',
  'This is not the sign-in that was started. It was ignored.':
    'Das ist nicht die begonnene Anmeldung. Sie wurde nicht beachtet.',
  'You are signed in. You can close this page and go back to Quota Wallet.':
    'Sie sind angemeldet. Sie können diese Seite schließen und zu Quota Wallet zurückkehren.',
  'You were not signed in. Go back to Quota Wallet to try again.':
    'Sie wurden nicht angemeldet. Kehren Sie zu Quota Wallet zurück, um es erneut zu versuchen.',
}

/** Electron's own entries, which it names in English on every system. */
const GERMAN_ROLES: Partial<Record<NonNullable<Item['role']>, string>> = {
  about: 'Über Quota Wallet',
  services: 'Dienste',
  hide: 'Quota Wallet ausblenden',
  hideOthers: 'Andere ausblenden',
  unhide: 'Alle einblenden',
  quit: 'Quota Wallet beenden',
  close: 'Fenster schließen',
  undo: 'Rückgängig',
  redo: 'Wiederholen',
  cut: 'Ausschneiden',
  copy: 'Kopieren',
  paste: 'Einfügen',
  delete: 'Löschen',
  selectAll: 'Alles auswählen',
  resetZoom: 'Originalgröße',
  zoomIn: 'Vergrößern',
  zoomOut: 'Verkleinern',
  togglefullscreen: 'Vollbild',
  reload: 'Neu laden',
  toggleDevTools: 'Entwicklerwerkzeuge',
  minimize: 'Minimieren',
  zoom: 'Zoomen',
  front: 'Alle nach vorne bringen',
  editMenu: 'Bearbeiten',
  windowMenu: 'Fenster',
}
/** What is in the menus that Electron fills itself: named here because their entries are English otherwise. */
const FILLED: Partial<Record<NonNullable<Item['role']>, Item[]>> = {
  editMenu: (['undo', 'redo', 'cut', 'copy', 'paste', 'delete', 'selectAll'] as const).map((role) => ({ role })),
  windowMenu: (['minimize', 'zoom', 'close'] as const).map((role) => ({ role })),
}

let catalogue: Catalogue | null = null

/** Speaks from now on as the system does. @param locale as `app.getLocale()` has it ("de", "de-AT") */
export function speak(locale: string): void {
  catalogue = /^de(-|$)/.test(locale) ? GERMAN : null
}

export function say(english: string, values: Readonly<Record<string, string | number>> = {}): string {
  const found = catalogue?.[english] ?? english
  return found.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole))
}

/** An amount as the page writes it: "$1,234.50", "1.234,50 $". @param english the former */
export const amount = (english: string): string =>
  catalogue ? `${english.replace('$', '').replace(/[.,]/g, (mark) => (mark === '.' ? ',' : '.'))}\u00a0$` : english

/** A menu whose roles are named in the language spoken; as it is in English, where Electron's names fit. */
export function named(items: Item[]): Item[] {
  if (!catalogue) return items
  return items.map((item): Item => {
    const submenu = item.submenu ?? (item.role && FILLED[item.role])
    const label = item.label ?? (item.role && GERMAN_ROLES[item.role])
    return { ...item, ...(label && { label }), ...(Array.isArray(submenu) && { submenu: named(submenu) }) }
  })
}
