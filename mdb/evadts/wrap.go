package evadts

// binding limits a counter may wrap at without any other witness (evadts 6.3).
var bindingLimits = [...]int64{1 << 16, 1_000_000, 100_000_000, 1 << 32}

// possible limits: any binary width and any decimal length of an element
// (Spec 5.1.6), taken only when the interval counter says exactly that.
var possibleLimits = [...]int64{1 << 8, 1 << 16, 1 << 24, 1 << 32, 100, 1_000, 10_000, 100_000,
	1_000_000, 10_000_000, 100_000_000, 1_000_000_000}

const (
	closeBelow = 10 // the old value is within a tenth below the limit
	atMost     = 5  // and no more than a fifth of the range was counted since
)

// wrapped decides whether a counter that fell from o to n has wrapped, and
// what was counted since: 65 435 → 31 is 132 vends (Spec 5.3.6).
// False when no limit fits (evadts 6.3, last row).
func (d *differ) wrapped(o, n int64, intervalOld, intervalNew Counter) (int64, bool) {
	if intervalNew.Known() && intervalOld.Known() && !d.reset && intervalNew.N >= intervalOld.N {
		exact := intervalNew.N - intervalOld.N
		for _, limit := range possibleLimits {
			if o < limit && limit-o+n == exact {
				return exact, true
			}
		}
	}
	for _, limit := range bindingLimits {
		delta := limit - o + n
		if o >= limit || o < limit-limit/closeBelow || delta > limit/atMost {
			continue
		}
		if intervalNew.Known() && d.reset && intervalNew.N > delta {
			continue // the interval since the reset alone counted more
		}
		return delta, true
	}
	return 0, false
}
