// What the person writes beside a charge.
// owns: note and tags of one receipt. never: the outbox's rules. always true: what is shown includes what is still on its
// way; a tag is added and removed singly, so that two devices never undo each other.

import { X } from 'lucide-react'
import { type FormEvent, useId, useState } from 'react'
import type { Entry } from '../db.ts'
import { enqueue } from '../db-outbox.ts'
import { useWritten } from '../live.ts'
import { useWallet } from '../session.ts'
import { inputLook } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { say } from '../words.ts'

const TAG_MAX = 40

export function ReceiptNote({ entry }: { entry: Entry }) {
  const written = useWritten()
  const mine = written?.find(({ id }) => id === entry.id)
  const known = [...new Set(written?.flatMap(({ tags }) => tags))].sort()
  return (
    <div className="space-y-5">
      <Tags entry={entry} tags={mine?.tags ?? []} known={known} />
      <Note entry={entry} kept={mine?.note ?? ''} />
    </div>
  )
}

function Tags({ entry, tags, known }: { entry: Entry; tags: string[]; known: string[] }) {
  const { db } = useWallet()
  const id = useId()
  const [text, setText] = useState('')
  const change = (args: { add_tags?: string[]; remove_tags?: string[] }) =>
    enqueue(db, 'receipt.annotate', { request_id: entry.id, ...args }, undefined, entry.rev)
  const add = async (event: FormEvent) => {
    event.preventDefault()
    const tag = text.trim().replace(/\s+/g, ' ')
    setText('')
    if (tag !== '' && !tags.includes(tag)) await change({ add_tags: [tag] })
  }
  return (
    <form onSubmit={add}>
      <label htmlFor={id} className="mb-1.5 block text-sm font-medium">
        {say('Tags')}
      </label>
      {tags.length > 0 && (
        <ul className="mb-2 flex flex-wrap gap-1.5">
          {tags.map((tag) => (
            <li
              key={tag}
              className="inline-flex h-7 max-w-full items-center gap-1 rounded-full bg-soft ps-3 pe-1 text-xs font-medium text-accent"
            >
              <span className="truncate">{tag}</span>
              <button
                type="button"
                aria-label={say('Remove tag {tag}', { tag })}
                onClick={() => change({ remove_tags: [tag] })}
                className="rounded-full p-1 hover:bg-sunken"
              >
                <X className="size-3.5" aria-hidden />
              </button>
            </li>
          ))}
        </ul>
      )}
      <div className="flex gap-2">
        <input
          id={id}
          list={`${id}-known`}
          value={text}
          maxLength={TAG_MAX}
          autoComplete="off"
          placeholder={say('work, talk, client A …')}
          onChange={(event) => setText(event.target.value)}
          className={`${inputLook} text-sm`}
        />
        <datalist id={`${id}-known`}>
          {known.map((tag) => (
            <option key={tag} value={tag} />
          ))}
        </datalist>
        <Button type="submit" className="h-11" disabled={text.trim() === ''}>
          {say('Add')}
        </Button>
      </div>
    </form>
  )
}

function Note({ entry, kept }: { entry: Entry; kept: string }) {
  const { db } = useWallet()
  const id = useId()
  const [draft, setDraft] = useState<string | null>(null)
  const save = async () => {
    const note = draft?.trim() || null
    await enqueue(db, 'receipt.annotate', { request_id: entry.id, note }, undefined, entry.rev)
    setDraft(null)
  }
  return (
    <div>
      <label htmlFor={id} className="mb-1.5 block text-sm font-medium">
        {say('Note')}
      </label>
      <textarea
        id={id}
        rows={2}
        maxLength={2000}
        value={draft ?? kept}
        placeholder={say('Only you see it')}
        onChange={(event) => setDraft(event.target.value)}
        className={`${inputLook} h-auto py-2 text-sm`}
      />
      {draft !== null && (
        <Button className="mt-2" onClick={save}>
          {say('Save note')}
        </Button>
      )}
    </div>
  )
}
