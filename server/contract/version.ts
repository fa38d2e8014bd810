// The wire's version, and the hash of this folder that guards it.
// owns: one number and one hash. never: anything else. always true: `test/wire.test.ts` fails when a file here
// changes and this page does not - so a change to the wire is always deliberate, and always has a line below.
//
// Two rules let servers and wallets upgrade in either order:
//   1. the server serves the current wire version and the one before it;
//   2. a reader keeps fields it does not know, and shows topics it does not know plainly.
//
// history
//   1  the first wire: accounts, connections with caps, the metered chat relay, receipts, the feed.
//      added since, all optional to a reader: second factor, passkeys, devices, reset, deletion and export of accounts;
//      what a wallet needs to answer requests (estimate, calendar, where the browser goes on), approvals of single calls,
//      `notice.dismiss`, three faults that no program should retry; the domain and the second secret of an app,
//      proofs of a token's key; money in and out: two more outcomes of a top-up and what went back of it, a debt beside the
//      balance, refunds, automatic top-ups, payout accounts, payouts and earnings; kinds of units
//      for image tokens and for searches; the developers' console (developers.ts): users, grants, refused calls, analytics and
//      webhooks; the models and the archive of an app, the end of a key; the fault `grant_limit_exceeded`;
//      a bank’s refusal beside a payout account, whose reserve came free in a payout; how far figures are counted; the fault
//      `topup_in_progress`; times that are given may spell UTC as +00:00.
//
// (The desktop's bridge, shell.ts, lies here too and is no part of the wire: `show`, kinds of notifications, a closed
// list of what a shell leaves for the page, several servers.)

export const WIRE_VERSION = 1
export const WIRE_HASH = '2aa2e6ffeb87d7fd841587b654002a98d99445ed6133fa5b6eaa4ac329c7455d'
