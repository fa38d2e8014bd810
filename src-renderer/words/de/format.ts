// German: how amounts and times are named.
// owns: its sentences. never: a sentence of another part. always true: data alone.

import type { Catalogue } from '../../words.ts'

export const FORMAT: Catalogue = {
  'a day': 'pro Tag',
  'a week': 'pro Woche',
  'a month': 'pro Monat',
  'in total': 'insgesamt',
  Day: 'Tag',
  Week: 'Woche',
  Month: 'Monat',
  'In total': 'Gesamt',
  today: 'heute',
  'this week': 'diese Woche',
  'this month': 'diesen Monat',
  'It never starts again by itself.': 'Es beginnt nie von selbst neu.',
  'Starts again on {time} ({zone}).': 'Beginnt neu am {time} ({zone}).',
  'Unnamed app': 'App ohne Namen',
}
