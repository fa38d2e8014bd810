// The way back from sign-in, in a browser tab.
// owns: finishing it. never: tokens. always true: the code in the address is used once and leaves the history.

import { useNavigate } from '@tanstack/react-router'
import { KeyRound } from 'lucide-react'
import { useEffect, useState } from 'react'
import { signIn, start } from '../session.ts'
import { theTab } from '../shell/shell.ts'
import { Empty } from '../ui/bits.tsx'
import { Button } from '../ui/button.tsx'
import { say } from '../words.ts'

let begun = false

export function Callback() {
  const navigate = useNavigate()
  const [wrong, setWrong] = useState<string | null>(null)
  useEffect(() => {
    if (begun) return
    begun = true
    const finish = async () => {
      const back = await theTab().finishSignIn(new URL(location.href))
      await start(true)
      await navigate({ to: back, replace: true })
    }
    finish()
      .catch((error) => setWrong(error instanceof Error ? error.message : String(error)))
      .finally(() => {
        begun = false
      })
  }, [navigate])
  return (
    <main className="grid min-h-dvh place-items-center">
      {wrong === null ? (
        <p role="status" className="text-sm text-muted">
          {say('Opening your wallet…')}
        </p>
      ) : (
        <div role="alert">
          <Empty
            icon={KeyRound}
            title={say('Sign-in did not finish')}
            action={
              <Button look="main" onClick={() => signIn('sign-in')}>
                {say('Sign in again')}
              </Button>
            }
          >
            {wrong}
          </Empty>
        </div>
      )}
    </main>
  )
}
