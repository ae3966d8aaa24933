// Package till makes every job into exactly one document on a register.
//
// A seller has lanes; a lane is one register behind a driver. Each lane has one
// worker that runs one attempt at a time:
//
//	queued ──▶ in_flight ──▶ done
//	  ▲           │ unknown
//	  │           ▼
//	  └─────── resolving ──▶ done | held
//	not made
//
// Four rules make "exactly once" (reliability.md C.3):
//
//  1. Intent before effect: key, baseline and exact bytes are durable before
//     the first of them is sent.
//  2. The job's key stands inside the document, so it can be found again.
//  3. Before a baseline is read and before an attempt is settled the register is
//     brought to rest (the driver's idle barrier): nothing executes late.
//  4. A new key only after a proof that the document was not made; until then
//     the attempt blocks its register and the job goes nowhere else.
//
// What to do next is decided by a pure core (lane, Step); the worker around it
// only carries out. Whatever surprises a worker sends it back to the start:
// settle what is open, account for documents it does not know, go on.
package till
