package register

import (
	"slices"
	"sync"
	"time"
)

// receiptWeight is the sum of the weights of a whole receipt as the captures
// timed its commands: 8Dh, FF46h, four FF0Ch, FF45h (kkt-shtrih.md §10).
const receiptWeight = 200 + 196 + 4*76 + 373

// delay is the service time of a command. Whatever a receipt's commands took
// so far, FF45h fills the rest, so that one receipt takes Service in all.
func (d *device) delay(code uint16) time.Duration {
	cmd, ok := commands[code]
	if d.cfg.Service == 0 || !ok {
		return 0
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if code == 0x8D {
		d.spent, d.target = 0, d.vary(d.cfg.Service)
	}
	share := d.cfg.Service * time.Duration(cmd.weight) / receiptWeight
	if code == 0xFF45 && d.nv.Receipt != nil && d.target > 0 {
		return max(d.target-d.spent, share/4)
	}
	return d.vary(share)
}

// took accounts what a command of the receipt in work really took: timers run
// late, and FF45h evens that out.
func (d *device) took(t time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.spent += t
}

func (d *device) vary(t time.Duration) time.Duration {
	if d.cfg.Jitter == 0 {
		return t
	}
	return t + time.Duration(float64(t)*d.cfg.Jitter*(2*d.rnd.Float64()-1))
}

// stats are what GET /metrics and GET /status show.
type stats struct {
	mu       sync.Mutex
	commands map[uint16]int
	refused  map[uint16]int // by code, answers with an error
	opened   time.Time      // 8Dh of the receipt in work
	samples  []time.Duration
	next     int
	receipts int
	started  time.Time
	busy     time.Duration // from 8Dh to the answer of FF45h, summed
}

const keptSamples = 8192

func (s *stats) begin(code uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commands[code]++
	if code == 0x8D {
		s.opened = time.Now()
	}
}

func (s *stats) end(code uint16, answer []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := 1
	if code > 0xFF {
		at = 2
	}
	if len(answer) <= at || answer[at] != errNone {
		s.refused[code]++
		return
	}
	if code != 0xFF45 {
		return
	}
	s.receipts++
	if s.opened.IsZero() {
		return
	}
	took := time.Since(s.opened)
	s.opened, s.busy = time.Time{}, s.busy+took
	if len(s.samples) < keptSamples {
		s.samples = append(s.samples, took)
	} else {
		s.samples[s.next%keptSamples] = took
	}
	s.next++
}

// quantile of the last receipts, in milliseconds; 0 without any.
func (s *stats) quantile(q float64) float64 {
	s.mu.Lock()
	sorted := slices.Clone(s.samples)
	s.mu.Unlock()
	if len(sorted) == 0 {
		return 0
	}
	slices.Sort(sorted)
	i := min(int(q*float64(len(sorted))), len(sorted)-1)
	return float64(sorted[i].Microseconds()) / 1000
}

// CapturedService is the time of a whole receipt as the captures of real
// devices saw its commands (kkt-shtrih.md §10): the Service that gives each
// command just that.
const CapturedService = receiptWeight * time.Millisecond
