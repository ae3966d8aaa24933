package dex

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
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
// both directions: the report comes whole or an error is named.
func TestBadLineNeverGivesAWrongReport(t *testing.T) {
	report := sealedReport(t, 6)
	rapid.Check(t, func(rt *rapid.T) {
		faults := rapid.SliceOfN(rapid.SampledFrom([]string{"", "", "", "", "drop", "flip", "lose", "twice", "add", "cut"}), 1, 60).Draw(rt, "faults")
		play := Play{Report: report, BlockSize: rapid.SampledFrom([]int{18, 40, 245}).Draw(rt, "block"),
			Bids: rapid.Bool().Draw(rt, "bids")}
		set := Settings{Intervals: rapid.SampledFrom([]Intervals{Withhold, Save, Agreed}).Draw(rt, "intervals")}
		r, m := pair(t, set, play)
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
		case err == nil && !bytes.Equal(got, report):
			rt.Fatalf("a wrong report: %q", got)
		}
		// ACKs carry no check: a line that makes one of another, or repeats
		// one, can acknowledge the last block for us. One that loses cannot.
		inventive := slices.ContainsFunc(faults, func(f string) bool { return f == "twice" || f == "flip" || f == "add" })
		if set.Intervals != Agreed && m.Cleared != 0 && !inventive {
			rt.Fatalf("interval counters cleared")
		}
	})
}

// TestSplitChangesNothing: bytes of one moment may come in any pieces.
func TestSplitChangesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r, m := pair(t, Settings{Intervals: Agreed}, Play{BlockSize: 40})
		_, done := (&line.Loop{A: split{r, rt}, B: split{m, rt}}).Run()
		if got, err := r.Result(); !done || err != nil || string(got) != worked || r.Attempts() != 1 {
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

// FuzzReader feeds anything at any pace: no panic, and an end.
func FuzzReader(f *testing.F) {
	f.Add([]byte{dle, '0'}, uint8(1), uint16(20))
	f.Add(append([]byte{enq}, response("00", "FSC0000042", "R00L06", false)...), uint8(3), uint16(500))
	f.Add(append([]byte{dle, '0', dle, '1', enq, eot}, AppendFrame(nil, stx, []byte(worked), true)...), uint8(200), uint16(1))
	f.Fuzz(func(t *testing.T, in []byte, piece uint8, pace uint16) {
		for _, s := range both(t) {
			now := time.Duration(0)
			left := in
			for range 3000 {
				n := min(len(left), 1+int(piece))
				a := s.Step(now, left[:n])
				left = left[n:]
				if a.Done {
					return
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

func both(t *testing.T) []line.Session {
	r, m := pair(t, Settings{Attempts: 3}, Play{})
	return []line.Session{m, r}
}
