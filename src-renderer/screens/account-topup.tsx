// Automatic top-up, on the account page.
// owns: reading and changing it by the sign-in of this browser. never: the wallet's copy. always true: terms that came
// with a link are only shown; turning them on is the person's own step, after a proof.

import { useSearch } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { type Account, PackagesReply } from '../../server/contract/api.ts'
import { AutoTopup } from '../../server/contract/payments.ts'
import type { Package } from '../../server/contract/records.ts'
import { ownPage } from '../api.ts'
import { say } from '../words.ts'
import { Part, sentenceOf } from './account-page.tsx'
import { CARD_PATH, termsOfLink } from './auto-topup.tsx'
import type { AutoTopupWish } from './auto-topup-form.tsx'
import { AutoTopupPanel } from './auto-topup-panel.tsx'
import { useStepUp } from './security-step-up.tsx'

const PATH = '/api/payments/auto-topup'

export function AccountTopup({ account }: { account: Account }) {
  const { 'top-up': link } = useSearch({ from: '/account' })
  const { guarded, question } = useStepUp(account)
  const [state, setState] = useState<{ settings: AutoTopup; packages: Package[] } | null>(null)
  const [wrong, setWrong] = useState<string | null>(null)
  useEffect(() => {
    Promise.all([ownPage(PATH), ownPage('/v1/packages')])
      .then(([settings, offered]) =>
        setState({ settings: AutoTopup.parse(settings), packages: PackagesReply.parse(offered).packages }),
      )
      .catch((error) => setWrong(sentenceOf(error)))
  }, [])
  const change = async (wish: AutoTopupWish) => {
    const settings = AutoTopup.parse(await guarded(() => ownPage(PATH, wish, 'PUT')))
    setState((before) => before && { ...before, settings })
    return true
  }
  const removeCard = async () => {
    const settings = AutoTopup.parse(await ownPage(CARD_PATH, {}, 'DELETE'))
    setState((before) => before && { ...before, settings })
  }
  return (
    <Part title={say('Automatic top-up')}>
      {state ? (
        <AutoTopupPanel {...state} away={false} change={change} removeCard={removeCard} asked={termsOfLink(link)} />
      ) : wrong ? (
        <p role="alert" className="text-sm text-bad">
          {wrong}
        </p>
      ) : (
        <div className="skeleton h-20" role="status" aria-label={say('Loading the automatic top-up')} />
      )}
      {question}
    </Part>
  )
}
