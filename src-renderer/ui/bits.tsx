// The small pieces every screen is made of.
// owns: amounts, times, faces, badges, banners, empty states. never: data. always true: what is shown rounded is exact
// on hover, and a colour never says something alone.

import { ChevronRight, type LucideIcon } from 'lucide-react'
import { type ReactNode, useSyncExternalStore } from 'react'
import { cleanName, decimalsIn, exact, moment, money, onTimeZone, timeZone, when } from '../format.ts'
import { say } from '../words.ts'
import { Button } from './button.tsx'

type Money = { micros: number; text?: string; places?: number; className?: string }

/** An amount in the running text or a column; micros. `places` as in `Lined`. */
export function Money({ micros, text = money(micros), places, className = '' }: Money) {
  return (
    <span className={`nums ${className}`} title={exact(micros)}>
      {places === undefined ? text : <Lined text={text} places={places} />}
    </span>
  )
}

/** An amount of a column in which others have up to `places` decimals: those it lacks stay free, and the points line up. */
export const Lined = ({ text, places }: { text: string; places: number }) => (
  <span className="lined" data-free={'0'.repeat(Math.max(0, places - decimalsIn(text)))}>
    {text}
  </span>
)

type Time = { at: number; text: (at: number) => string; className?: string }

/** A time as `text` words it, told whole on hover; drawn again when the account gets another time zone. */
export function Time({ at, text, className = '' }: Time) {
  useSyncExternalStore(onTimeZone, timeZone)
  return (
    <time dateTime={new Date(at).toISOString()} title={moment(at)} className={`nums ${className}`}>
      {text(at)}
    </time>
  )
}

export const When = ({ now, ...time }: Omit<Time, 'text'> & { now: number }) => (
  <Time {...time} text={(at) => when(at, now)} />
)

const HUES = [
  'bg-[#dcebe4] text-[#0b4f3f] dark:bg-[#1c3a31] dark:text-[#9be0c6]',
  'bg-[#e3e6f6] text-[#333f80] dark:bg-[#262c4a] dark:text-[#b6c0f5]',
  'bg-[#f6e5d8] text-[#7a3d12] dark:bg-[#432b1a] dark:text-[#f2bf98]',
  'bg-[#f3dfe7] text-[#7d2450] dark:bg-[#42202f] dark:text-[#f0adc8]',
  'bg-[#f1eacb] text-[#5f4c08] dark:bg-[#393113] dark:text-[#e6d27f]',
  'bg-[#d9ebf2] text-[#0f4d66] dark:bg-[#18363f] dark:text-[#9cd6ea]',
]

/**
 * An app's face: its picture when that is embedded data, else its first letter. Pictures are not fetched from an app's
 * own server, which would tell it when its people look at their wallet.
 */
export function Face({
  name,
  id,
  logo,
  size = 'size-10 text-base',
}: {
  name: string
  id: string
  logo: string | null
  size?: string
}) {
  if (logo?.startsWith('data:image/'))
    return <img src={logo} alt="" className={`${size} shrink-0 rounded-xl object-cover`} />
  const hue = HUES[[...id].reduce((sum, c) => sum + (c.codePointAt(0) ?? 0), 0) % HUES.length]
  const letter = [...cleanName(name)][0]?.toUpperCase() ?? '?'
  return (
    <span
      aria-hidden
      className={`${size} ${hue} grid shrink-0 place-items-center rounded-xl font-semibold select-none`}
    >
      {letter}
    </span>
  )
}

const TONES = {
  plain: 'bg-sunken text-muted',
  good: 'bg-soft text-accent',
  warn: 'bg-warn-soft text-warn',
  bad: 'bg-bad-soft text-bad',
  news: 'bg-soft text-ink',
}
export type Tone = keyof typeof TONES

export function Badge({
  tone = 'plain',
  icon: Icon,
  children,
  title,
}: {
  tone?: Tone
  icon?: LucideIcon
  children: ReactNode
  title?: string
}) {
  return (
    <span
      title={title}
      className={`${TONES[tone]} inline-flex items-center gap-1 rounded-full px-2 py-0.5 text-xs font-medium whitespace-nowrap`}
    >
      {Icon && <Icon className="size-3.5" aria-hidden />}
      {children}
    </span>
  )
}

/** A line across the screen; `alert` for what went wrong, so that it is read out. Where it is narrow, what to do stands below. */
export function Banner({
  tone,
  icon: Icon,
  alert = false,
  action,
  children,
}: {
  tone: Tone
  icon: LucideIcon
  alert?: boolean
  action?: ReactNode
  children: ReactNode
}) {
  return (
    <div
      role={alert ? 'alert' : 'status'}
      className={`${TONES[tone]} flex flex-wrap items-center gap-x-4 gap-y-2.5 rounded-xl px-4 py-3 text-sm`}
    >
      <div className="flex min-w-0 flex-1 basis-64 items-start gap-3">
        <Icon className={`mt-0.5 size-4 shrink-0 ${tone === 'news' ? 'text-accent' : ''}`} aria-hidden />
        <div className="min-w-0 flex-1 text-pretty">{children}</div>
      </div>
      {action && <div className="ms-7 sm:ms-0">{action}</div>}
    </div>
  )
}

export function Empty({
  icon: Icon,
  title,
  children,
  action,
}: {
  icon: LucideIcon
  title: string
  children: ReactNode
  action?: ReactNode
}) {
  return (
    <div className="flex flex-col items-center px-6 py-14 text-center">
      <span className="mb-4 grid size-12 place-items-center rounded-2xl bg-soft text-accent">
        <Icon className="size-6" aria-hidden />
      </span>
      <h2 className="text-base font-semibold text-balance">{title}</h2>
      <p className="mt-1 max-w-sm text-sm text-balance text-muted">{children}</p>
      {action && <div className="mt-5">{action}</div>}
    </div>
  )
}

export function PageTitle({ children, aside }: { children: ReactNode; aside?: ReactNode }) {
  return (
    <div className="mb-5 flex min-h-9 flex-wrap items-center justify-between gap-x-4 gap-y-2">
      <h1 className="text-2xl font-semibold tracking-tight">{children}</h1>
      {aside}
    </div>
  )
}

export function CardTitle({ children, aside }: { children: ReactNode; aside?: ReactNode }) {
  return (
    <div className="mb-3 flex items-baseline justify-between gap-3">
      <h2 className="text-sm font-medium text-muted">{children}</h2>
      {aside}
    </div>
  )
}

/** What opens a `details`. */
export function Summary({ className = '', children }: { className?: string; children: ReactNode }) {
  return (
    <summary
      className={`flex cursor-pointer list-none items-center gap-2 text-sm select-none [&::-webkit-details-marker]:hidden ${className}`}
    >
      <ChevronRight
        className="size-4 shrink-0 text-muted transition-transform [details[open]>summary>&]:rotate-90"
        aria-hidden
      />
      {children}
    </summary>
  )
}

/** A form's own sentence about what is wrong with it. */
export function Wrong({ children }: { children: ReactNode }) {
  return (
    <p role="alert" className="rounded-lg bg-bad-soft px-3 py-2 text-sm text-bad">
      {children}
    </p>
  )
}

/** What could not be got, and a way to ask for it again. */
export function Failed({ sentence, onAgain }: { sentence: string; onAgain: () => void }) {
  return (
    <>
      <Wrong>{sentence}</Wrong>
      <Button className="mt-3" onClick={onAgain}>
        {say('Try again')}
      </Button>
    </>
  )
}

export const inputLook =
  'h-11 w-full rounded-lg border border-line-strong bg-surface px-3 text-[0.95rem] text-ink placeholder:text-muted disabled:border-line disabled:bg-sunken disabled:text-muted'
