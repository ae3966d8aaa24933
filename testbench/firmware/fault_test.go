package firmware

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/module"
	"github.com/chekomat/chekomat/mdb/module/link"
	"github.com/chekomat/chekomat/mdb/role"
	"github.com/chekomat/chekomat/mdb/sales"
	"github.com/chekomat/chekomat/testbench/firmware/board"
	"github.com/chekomat/chekomat/testbench/machine"
)

// stage is a machine on a board with a host at its link, for what goes wrong in
// between.
type stage struct {
	*testing.T
	b    *board.Board
	h    *board.Host
	kept *book
	m    *machine.Machine
	cast *role.Cast
	sold []counted
	word func(mdb.Word) // sees each word of the machine before it is drawn
}

// play is a stage with the machine switched on.
func play(t *testing.T, cfg board.Config, set machine.Config, roles ...role.Role) *stage {
	t.Helper()
	if testing.Short() {
		t.Skip("one scenario is enough for -short")
	}
	t.Parallel()
	cfg.Folder = made(t)
	b, err := board.New(cfg, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	full := module.Fidelity{ModeBits: true, Checksums: true, Times: true, BothLines: true}
	s := &stage{T: t, b: b, kept: &book{rec: sales.New(sales.ForSource(full))}, word: func(mdb.Word) {}}
	if len(roles) > 0 {
		if s.cast, err = role.NewCast(roles...); err != nil {
			t.Fatal(err)
		}
		set.Guest = b
	}
	s.attach(module.Cursor{})
	b.Begin()
	last := int64(0)
	set.Columns, set.VendTime = machine.DefaultPlan(), 300*time.Millisecond
	set.Emit = func(w mdb.Word) { s.word(w); b.Emit(w) }
	set.Pace = func(t int64) {
		b.Pace(t)
		if t-last == dataPause && s.cast != nil && b.Connected() {
			s.must(b.Follow(s.h, 0))
		}
		last = t
	}
	s.m = machine.New(set)
	s.m.PowerUp()
	return s
}

func (s *stage) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *stage) attach(from module.Cursor) {
	s.Helper()
	s.h = board.Attach(s.b.URL(), from, s.cast, func(c module.Chunk) {
		// The mark of finish is not the machine's.
		c.Words = slices.DeleteFunc(slices.Clone(c.Words), func(w mdb.Word) bool { return w.Line >= mdb.EXEMaster })
		s.kept.hear(c)
	})
	s.Cleanup(func() { s.h.Stop() })
	s.must(s.b.Until(s.h, "the module's greeting", func(at board.Heard) bool {
		return at.Opened > 0 && (s.cast == nil || slices.Contains(at.Trouble, modeChanged) || from != module.Cursor{})
	}))
}

func (s *stage) sell(orders ...machine.Order) {
	s.Helper()
	for _, o := range orders {
		v, err := s.m.Order(o)
		s.must(err)
		if v.Outcome == machine.Sold {
			s.sold = append(s.sold, counted{string(v.Pay), v.Column, v.Price})
		}
		s.m.Idle(time.Second)
	}
}

// finish marks the end of the bus with a word on a line nobody uses and waits
// until the host has it, whatever was lost before.
func (s *stage) finish() (got []counted, at board.Heard) {
	s.Helper()
	s.m.Idle(12 * time.Second)
	s.b.Rest(50_000)
	s.b.Emit(mdb.Word{T: s.b.Now() + 1000, V: 0x0A5, Line: mdb.EXEMaster})
	s.must(s.b.Until(s.h, "the last word", func(at board.Heard) bool {
		n := len(at.Words)
		return n > 0 && at.Words[n-1].Line == mdb.EXEMaster
	}))
	s.h.Stop()
	var r Result
	r.sales(Scenario{}, s.kept.events)
	for _, sale := range r.Sales {
		got = append(got, sale.counted())
	}
	return got, s.h.Heard()
}

// all holds that everything sold was recovered and nothing else.
func (s *stage) all(got []counted) {
	s.Helper()
	if !slices.Equal(got, s.sold) {
		s.Errorf("sold %v, recovered %v", s.sold, got)
	}
}

// noneFalse holds that what was recovered was sold, in this order, the first and
// the last among it.
func (s *stage) noneFalse(got []counted) {
	s.Helper()
	left := s.sold
	for _, g := range got {
		i := slices.Index(left, g)
		if i < 0 {
			s.Fatalf("a false sale: sold %v, recovered %v", s.sold, got)
		}
		left = left[i+1:]
	}
	if len(got) < 2 || got[0] != s.sold[0] || got[len(got)-1] != s.sold[len(s.sold)-1] {
		s.Errorf("before or after it something is missing: sold %v, recovered %v", s.sold, got)
	}
}

// same holds that every word of the wire came.
func (s *stage) same(at board.Heard) {
	s.Helper()
	for _, e := range board.Compare(s.b.Sent(), at.Words).Errors {
		s.Error(e)
	}
	for _, why := range at.Lost {
		if why != "" {
			s.Errorf("lost: %s", why)
		}
	}
}

// counters asks the module for its counters while its bus goes on.
func (s *stage) counters() (beat link.Heartbeat) {
	s.Helper()
	done := make(chan error, 1)
	go func() {
		c, err := module.Attend(s.Context(), s.b.URL())
		if err == nil {
			beat, err = c.Heartbeat(s.Context())
			c.Close()
		}
		done <- err
	}()
	for {
		select {
		case err := <-done:
			s.must(err)
			return beat
		case <-time.After(5 * time.Millisecond):
			s.b.Rest(20_000)
		}
	}
}

// lossy drops some frames whole: what is left are jumps of the sequence.
func lossy(rng *rand.Rand, of int) func([]byte) []byte {
	var rest []byte
	return func(b []byte) (out []byte) {
		rest = append(rest, b...)
		for {
			i := bytes.IndexByte(rest, 0)
			if i < 0 {
				return out
			}
			if rng.IntN(of) != 0 {
				out = append(out, rest[:i+1]...)
			}
			rest = rest[i+1:]
		}
	}
}

// noisy puts garbage between pieces and flips a bit here and there.
func noisy(rng *rand.Rand, of int) func([]byte) []byte {
	return func(b []byte) []byte {
		b = bytes.Clone(b)
		if rng.IntN(of) == 0 {
			b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
		}
		if rng.IntN(of) == 0 {
			for range 1 + rng.IntN(40) {
				b = append(b, byte(rng.UintN(256)))
			}
		}
		return b
	}
}

var twoSales = []machine.Order{card(2, machine.Sold), cash(1, machine.Sold, 10000)}

// Whatever happens to the bytes of the link, the words come, each once: frames
// have checksums, losses show as gaps, the module says again what it was not
// told to forget.
func TestDamagedLink(t *testing.T) {
	for name, damage := range map[string]func(*rand.Rand, *board.Config){
		"frames lost to the host":   func(r *rand.Rand, c *board.Config) { c.ToHost = lossy(r, 12) },
		"garbage to the host":       func(r *rand.Rand, c *board.Config) { c.ToHost = noisy(r, 8) },
		"frames lost to the module": func(r *rand.Rand, c *board.Config) { c.ToModule = lossy(r, 3) },
		"garbage to the module":     func(r *rand.Rand, c *board.Config) { c.ToModule = noisy(r, 3) },
	} {
		for i, l := range []string{board.UART, board.USB} {
			t.Run(name+" by "+l, func(t *testing.T) {
				cfg := board.Config{Link: l, Dirt: soiled}
				damage(rand.New(rand.NewPCG(uint64(i), 77)), &cfg)
				s := play(t, cfg, machine.Config{})
				s.sell(twoSales...)
				got, at := s.finish()
				s.same(at)
				s.all(got)
			})
		}
	}
}

// The module counts what it could not read and goes on.
func TestModuleCountsGarbage(t *testing.T) {
	rng, on := rand.New(rand.NewPCG(4, 4)), true
	s := play(t, board.Config{ToModule: func(b []byte) []byte {
		if on {
			return append([]byte{5, 1, 2, 3, 4, 0, byte(rng.UintN(256)), 9, 9, 0}, b...)
		}
		return b
	}}, machine.Config{})
	s.sell(twoSales...)
	got, at := s.finish()
	s.same(at)
	s.all(got)
	on = false
	if n := s.counters().HostCRCErrors; n == 0 {
		t.Error("no bad frame was counted")
	}
}

// The link is cut in the middle of frames, again and again: the host connects
// anew and goes on at its cursor.
func TestLinkCutInMidFrame(t *testing.T) {
	for _, l := range []string{board.UART, board.USB} {
		t.Run(l, func(t *testing.T) {
			var s *stage
			n, cuts := 0, 0
			s = play(t, board.Config{Link: l, Dirt: soiled, ToHost: func(b []byte) []byte {
				if n += len(b); n > 4000 && len(b) > 12 && cuts < 5 {
					n = 0
					cuts++
					s.b.Cut(b[:len(b)-7])
					return nil
				}
				return b
			}}, machine.Config{})
			s.sell(twoSales...)
			s.sell(twoSales...)
			got, at := s.finish()
			s.same(at)
			s.all(got)
			if cuts < 3 || at.Opened < 2 {
				t.Errorf("%d cuts, opened %d times", cuts, at.Opened)
			}
		})
	}
}

// The host is away for more than a minute of sales: the module keeps the words,
// but for polls that say nothing new, and goes on answering for its roles.
func TestHostIsAwayForAMinute(t *testing.T) {
	for _, l := range []string{board.UART, board.USB} {
		t.Run(l, func(t *testing.T) {
			r, err := role.NewReader(role.ReaderSettings{})
			if err != nil {
				t.Fatal(err)
			}
			s := play(t, board.Config{Link: l, Dirt: soiled}, machine.Config{Silent: true}, r)
			s.sell(twoSales...)
			at := s.h.Stop()
			from := s.b.BusTime()
			s.m.Idle(20 * time.Second)
			s.sell(twoSales...)
			s.sell(card(4, machine.Failed), cash(3, machine.Cancelled, 10000), card(7, machine.Sold))
			s.m.Idle(20 * time.Second)
			if away := s.b.BusTime() - from; away < 60e6 {
				t.Fatalf("away for %.0f s only", away/1e6)
			}
			s.attach(at)
			s.sell(twoSales...)
			got, heard := s.finish()
			s.all(got)
			if len(heard.Lost) > 0 {
				t.Errorf("lost: %q", heard.Lost)
			}
			for _, us := range s.b.After() {
				if us > 5000 {
					t.Errorf("an answer after %.0f µs", us)
				}
			}
		})
	}
}

// The module starts anew in the middle of a sale, by its watchdog or because
// power failed: the agent is told, what was sold in the gap may be missing, what
// was not sold does not appear.
func TestModuleResetsInMidSale(t *testing.T) {
	for _, how := range []string{"power", "hang"} {
		for _, o := range []machine.Order{card(4, machine.Sold), card(4, machine.Failed), card(4, machine.Cancelled), cash(3, machine.Sold, 10000), cash(3, machine.Failed, 10000)} {
			t.Run(how+" "+string(o.Pay)+" "+string(o.Outcome), func(t *testing.T) {
				s := play(t, board.Config{Dirt: soiled}, machine.Config{})
				s.sell(card(2, machine.Sold))
				trigger := uint16(0x113) // VEND REQUEST
				if o.Pay == machine.Cash {
					trigger = 0x134 // BILL TYPE: the VMC takes no more money, it vends
				}
				s.word = func(w mdb.Word) {
					if w.Line != mdb.Master || w.V != trigger {
						return
					}
					s.word = func(mdb.Word) {}
					s.b.Rest(0)
					if how == "hang" {
						s.must(s.b.Chip().Hang())
					} else {
						s.must(s.b.Chip().Power())
					}
				}
				s.sell(o)
				s.m.Idle(10 * time.Second) // the watchdog's time among it
				s.sell(card(5, machine.Sold))
				got, at := s.finish()
				s.noneFalse(got)
				says := map[string]string{"power": "module restarted", "hang": "module restarted by its watchdog"}[how]
				if !slices.Equal(at.Lost, []string{says}) {
					t.Errorf("the agent was not told: lost %q, connections ended %q", at.Lost, at.Failed)
				}
			})
		}
	}
}

// Pulses strike into words, on both lines: sales may be missed or be of unknown
// amount, none appears. (Thousands of seeds of the same, without the emulator, are
// package board's.)
func TestPulsesStrikeWords(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			s := play(t, board.Config{Link: []string{board.UART, board.USB}[seed%2], Dirt: board.Dirt{Seed: seed, Jitter: 2, Noise: 50, Spikes: 10}}, machine.Config{})
			s.sell(card(2, machine.Sold), cash(1, machine.Sold, 10000), card(4, machine.Failed), cash(3, machine.Cancelled, 10000), card(7, machine.Sold))
			got, _ := s.finish()
			left := slices.Clone(s.sold)
			for _, g := range got {
				i := slices.IndexFunc(left, func(c counted) bool { return c.pay == g.pay && (c.amount == g.amount || g.amount == 0) })
				if i < 0 {
					t.Fatalf("a false sale: sold %v, recovered %v", s.sold, got)
				}
				left = slices.Delete(left, i, i+1)
			}
			t.Logf("sold %v, recovered %v", s.sold, got)
		})
	}
}

// Both lines are held active for three seconds, or scribbled over, between sales
// and in the middle of one.
func TestStuckAndStormyLines(t *testing.T) {
	for _, how := range []string{"stuck", "storm"} {
		for _, o := range []machine.Order{card(4, machine.Sold), card(4, machine.Failed), cash(3, machine.Cancelled, 10000)} {
			t.Run(how+" "+string(o.Pay)+" "+string(o.Outcome), func(t *testing.T) {
				s := play(t, board.Config{Dirt: soiled}, machine.Config{})
				s.sell(card(2, machine.Sold))
				wreck := func(t int64) {
					for _, l := range []mdb.Line{mdb.Master, mdb.Slave} {
						if how == "storm" {
							s.b.Storm(l, 1e6)
							continue
						}
						s.b.Emit(mdb.Word{T: t, Line: l, Flags: mdb.BreakStart})
						s.b.Emit(mdb.Word{T: t + 3_000_000, Line: l, Flags: mdb.BreakEnd})
					}
				}
				wreck(s.m.Now())
				s.m.Idle(time.Second)
				trigger := uint16(0x113)
				if o.Pay == machine.Cash {
					trigger = 0x135 // ESCROW
				}
				s.word = func(w mdb.Word) {
					if w.Line == mdb.Master && w.V == trigger {
						s.word = func(mdb.Word) {}
						wreck(w.T)
					}
				}
				s.sell(o)
				s.m.Idle(2 * time.Second)
				s.sell(card(5, machine.Sold))
				got, at := s.finish()
				s.noneFalse(got)
				stuck := 0
				for _, why := range at.Trouble {
					if why == "line stuck" {
						stuck++
					}
				}
				if how == "stuck" {
					s.same(at)
					if stuck != 4 {
						t.Errorf("both lines twice were to be told of: %q", at.Trouble)
					}
				}
			})
		}
	}
}
