package ddcmp

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chekomat/chekomat/mdb/evadts/line"
)

var named = []error{line.ErrNoAnswer, line.ErrRefused, line.ErrDamaged, line.ErrTooLong, line.ErrBroken, line.ErrProtocol, line.ErrTime}

func isNamed(err error) bool {
	for _, n := range named {
		if errors.Is(err, n) {
			return true
		}
	}
	return false
}

// TestBadLineNeverGivesAWrongReport loses, changes, repeats and adds bytes in
// both directions: the report comes whole or an error is named, and nothing is
// ever cleared.
func TestBadLineNeverGivesAWrongReport(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		faults := rapid.SliceOfN(rapid.SampledFrom([]string{"", "", "", "", "drop", "flip", "lose", "twice", "add", "cut"}), 1, 80).Draw(rt, "faults")
		play := Play{BlockSize: rapid.SampledFrom([]int{10, 30, 146}).Draw(rt, "block"), Announces: rapid.Bool().Draw(rt, "announces"),
			Fastest: rapid.SampledFrom([]int{2400, 9600}).Draw(rt, "fastest")}
		r, m := pair(t, Settings{Fastest: rapid.SampledFrom([]int{0, 115200}).Draw(rt, "wanted")}, play)
		forever := rapid.Bool().Draw(rt, "forever")
		dice := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
		i := 0
		damage := func(_ time.Duration, b []byte) []byte {
			if len(b) == 0 || i >= len(faults) && !forever {
				return b
			}
			f := faults[i%len(faults)]
			i++
			at := dice.IntN(len(b))
			b = bytes.Clone(b)
			switch f {
			case "drop":
				return append(b[:at:at], b[at+1:]...)
			case "flip":
				b[at] ^= 1 << dice.IntN(8)
			case "lose":
				return nil
			case "twice":
				return append(b, b...)
			case "add":
				return append(b[:at:at], append([]byte{byte(dice.Uint32())}, b[at:]...)...)
			case "cut":
				return b[:at]
			}
			return b
		}
		at, done := (&line.Loop{A: r, B: m, ToA: damage, ToB: damage, Delay: time.Millisecond}).Run()
		got, err := r.Result()
		switch {
		case !done:
			rt.Fatalf("not over at %v", at)
		case err != nil && (!isNamed(err) || got != nil):
			rt.Fatalf("error without a name: %v", err)
		case err == nil && string(got) != text:
			rt.Fatalf("a wrong report: %q", got)
		case m.Cleared != 0:
			rt.Fatalf("interval counters cleared")
		}
	})
}

// TestSplitChangesNothing: bytes of one moment may come in any pieces.
func TestSplitChangesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r, m := pair(t, Settings{}, Play{BlockSize: 30})
		_, done := (&line.Loop{A: split{r, rt}, B: split{m, rt}}).Run()
		if got, err := r.Result(); !done || err != nil || string(got) != text || r.Attempts() != 1 || m.Reads != 1 {
			rt.Fatalf("%v, attempt %d, %q", err, r.Attempts(), got)
		}
	})
}

// split feeds a session in pieces.
type split struct {
	of line.Session
	rt *rapid.T
}

func (s split) Step(now time.Duration, in []byte) (all line.Action) {
	for len(in) > 1 {
		n := rapid.IntRange(1, len(in)).Draw(s.rt, "piece")
		a := s.of.Step(now, in[:n])
		all.Send = append(all.Send, a.Send...)
		in = in[n:]
		if a.Done {
			all.Done = true
			return all
		}
	}
	a := s.of.Step(now, in)
	a.Send = append(all.Send, a.Send...)
	return a
}

// FuzzReader feeds anything at any pace to both sides: no panic.
func FuzzReader(f *testing.F) {
	hello := AppendControl(nil, typeSTACK, flag, 2, 8, 1)
	hello = AppendControl(hello, typeACK, flag, 1, 0, 1)
	hello = AppendData(hello, 1, 1, 1, false, []byte{answer, whoAreYou, 1})
	hello = AppendData(hello, 2, 2, 1, false, []byte{answer, read, 1, 2, 1, 0, 0, 0xFF, 0xFF})
	hello = AppendData(hello, 2, 3, 1, true, []byte{block, 0, 'D', 'X', 'S'})
	f.Add(hello, uint8(200), uint16(0))
	f.Add(hello, uint8(7), uint16(60))
	f.Add(AppendControl(nil, typeSTART, flag, 0, 8, 1), uint8(1), uint16(1))
	f.Fuzz(func(t *testing.T, in []byte, piece uint8, pace uint16) {
		r, m := pair(t, Settings{Attempts: 2}, Play{})
		for _, s := range []line.Session{m, r} {
			now, left := time.Duration(0), in
			for range 2000 {
				n := min(len(left), 1+int(piece))
				a := s.Step(now, left[:n])
				left = left[n:]
				if a.Done {
					break
				}
				if len(left) > 0 {
					now += time.Duration(pace) * time.Millisecond
				} else if a.Wake == line.Never {
					break
				} else {
					now = max(now, a.Wake)
				}
			}
		}
	})
}
