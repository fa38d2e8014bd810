// A dialog, by the browser's own element.
// owns: opening, closing, its frame. never: content. always true: focus is kept inside and given back, Escape closes it.
// The element is used rather than a library's: those inject style elements, which the pages' CSP forbids.

import { X } from 'lucide-react'
import { type ReactNode, useId, useLayoutEffect, useRef } from 'react'
import { say } from '../words.ts'

type Props = { title: string; onClose: () => void; children: ReactNode; side?: boolean }

/** Shown while mounted. `side`: a pane at the right edge instead of a box in the middle. */
export function Dialog({ title, onClose, children, side = false }: Props) {
  const ref = useRef<HTMLDialogElement>(null)
  const titleId = useId()
  // A layout effect is undone before the element leaves the page: closing one that has left gives no focus back.
  useLayoutEffect(() => {
    const element = ref.current
    element?.showModal()
    return () => element?.close()
  }, [])
  const place = side
    ? 'ms-auto my-0 me-0 h-dvh max-h-none w-full max-w-md rounded-none border-s'
    : 'm-auto w-[calc(100%-2rem)] max-w-md rounded-2xl border max-h-[calc(100dvh-2rem)]'
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: a click beside the box closes it; the keyboard has Escape
    <dialog
      ref={ref}
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
      onClick={(event) => event.target === ref.current && onClose()}
      className={`${place} overflow-y-auto border-line bg-surface text-ink shadow-card backdrop:bg-black/40`}
    >
      <div className="relative p-5 sm:p-6">
        <h2 id={titleId} className="mb-4 pe-8 text-lg font-semibold tracking-tight text-balance">
          {title}
        </h2>
        {children}
        {/* Last in the order of focus: the first field or button of the content comes first. */}
        <button
          type="button"
          aria-label={say('Close')}
          onClick={onClose}
          className="absolute end-4 top-[1.125rem] rounded-md p-1.5 text-muted hover:bg-sunken hover:text-ink sm:top-[1.375rem]"
        >
          <X className="size-5" aria-hidden />
        </button>
      </div>
    </dialog>
  )
}
