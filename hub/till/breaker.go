package till

import "time"

// breaker takes a lane out of the pool whose attempts fail: the documents were
// certainly not made, but each try costs its buyer seconds.
//
//	closed ── after failures in a row ──▶ open ── its rest is over ──▶ half open
//	  ▲                                    ▲                              │
//	  └──────────── a document is made ────┼──────────────────────────────┤
//	                                       └───── the probe fails ────────┘
//
// A half open lane probes with a job whose buyer has gone while other lanes work.
type breaker struct {
	after    int           // failures in a row that open it; 0 never opens
	first    time.Duration // rest when it opens; twice as long each further time
	failures int           // attempts in a row
	opened   int           // times in a row
	until    time.Time     // of the rest
}

// longestBreak bounds the rests: a register that works again is found within it.
const longestBreak = 30 * time.Second

// failed counts a failure; until is the end of the rest it leads to, zero when
// the breaker stays closed.
func (b *breaker) failed(now time.Time) (until time.Time) {
	b.failures++
	if b.after <= 0 || b.failures < b.after {
		return time.Time{}
	}
	rest := b.first << min(b.opened, 16)
	if rest <= 0 || rest > longestBreak {
		rest = longestBreak
	}
	b.opened++
	b.until = now.Add(rest)
	return b.until
}

// works closes the breaker.
func (b *breaker) works() { b.failures, b.opened, b.until = 0, 0, time.Time{} }

// probing says that the next document is a probe.
func (b *breaker) probing() bool { return b.opened > 0 }
