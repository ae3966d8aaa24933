package register

import (
	"fmt"
	"testing"
	"time"

	"github.com/chekomat/chekomat/testbench/fn"
	"github.com/chekomat/chekomat/testbench/register/faults"
	"pgregory.net/rapid"
)

// makers are the commands a document exists after.
var makers = map[uint16]bool{0xE0: true, 0xFF0B: true, 0x41: true, 0xFF43: true, 0xFF45: true, 0x85: true, 0xFF36: true, 0xFF4A: true, 0xFF06: true, 0xFF34: true, 0xFF38: true, 0xFF3E: true}

// Any sequence of commands with faults, losses of power at any step and
// restarts keeps the ФН's invariants: numbers dense and growing in every ФН,
// counters the sums of the archive, at most one open document, none made by a
// command that was refused, none after the ФН is closed.
func TestAnySequenceKeepsTheFN(t *testing.T) {
	base := t.TempDir()
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		s := &sequence{now: noon}
		s.cfg = Config{Data: fmt.Sprint(base, "/", run), Clock: func() time.Time { return s.now }, Zone: time.UTC, FNCapacity: 30,
			FFD: rapid.ByteRange(2, 4).Draw(rt, "ffd"), PowerUp: rapid.SampledFrom([]string{"keep", "cancel"}).Draw(rt, "power up")}
		if err := s.cfg.defaults(); err != nil {
			rt.Fatal(err)
		}
		s.open(rt)
		defer func() { _ = s.d.close() }()
		reg, _ := s.d.fn.Registered()
		registration := append(append(padded(reg.INN, 12), padded(reg.RNM, 20)...), reg.TaxSystems, 4)
		pool := [][]byte{
			cmd(0x10), cmd(0xE0), cmd(0xE0), cmd(0xFF0B), cmd(0x41), cmd(0xFF43), cmd(0x8D, 0), cmd(0x8D, 2), sale(1, 500, 8, "x"), sale(2, 500, 8, "x"), sale(1, 500, 0xC0+11, "y"),
			closeBy(500, 0, 1), closeBy(0, 500, 1), closeBy(0, 1000, 1), cmd(0x88), cmd(0xFF08), tag(1036, []byte("VM")), tag(1084, keyTag("k")), tag(1178, date(0)), tag(1173, []byte{0}),
			cmd(0xFF35), cmd(0xFF35), correction105(0, 1, 700, 1), cmd(0xFF36, append(five(500), 1)...), cmd(0xFF41), cmd(0xFF42), cmd(0xFF37), cmd(0xFF38),
			cmd(0xFF05, 2), cmd(0xFF06, append(registration, 4)...), cmd(0xFF34, 4), cmd(0xFF3D), cmd(0xFF3E), cmd(0xFF3A, 1, 0, 0, 0), cmd(0xFF3B), cmd(0xB0),
			cmd(0x50, five(100)...), cmd(0x51, five(50)...), cmd(0x1A, 193), cmd(0x1E, 17, 1, 0, 7, 2), cmd(0xFF32, 8, 0), cmd(0xFF33, append([]byte{0, 0, 6}, fn.AppendString(nil, 1036, "ab")...)...), cmd(0xFF64),
			cmd(0x80, append(append(le(1000, 5), five(500)...), 1, 1, 0, 0, 0)...), cmd(0x85, append(five(500), make([]byte, 51)...)...), cmd(0x8C),
			cmd(0xFF61, 1, 0, 1, 0, 'x'), cmd(0xFF69, 1), cmd(0xFF67, 1, 'x'),
		}
		faultKinds := []faults.Kind{faults.FNFull, faults.FNLifeOver, faults.FNFailure, faults.ShiftExpired, faults.FNReplaced, faults.RegisterReplaced, faults.PaperOut,
			faults.PaperIn, faults.ForeignDocument, faults.ForeignOpen, faults.AutoShift, faults.OFDOff, faults.Repair, faults.Busy}
		steps := []string{faults.StepBegin, faults.StepData, faults.StepFinish, faults.StepAnswer}
		rt.Repeat(map[string]func(*rapid.T){
			"command": func(rt *rapid.T) { s.command(rt, rapid.SampledFrom(pool).Draw(rt, "data")) },
			"receipt": func(rt *rapid.T) {
				for _, data := range [][]byte{cmd(0x8D, 0), sale(1, 500, 8, "x"), tag(1084, keyTag("k")), closeBy(0, 500, 1)} {
					s.command(rt, data)
				}
			},
			"shift":   func(rt *rapid.T) { s.command(rt, cmd(0xE0)) },
			"garbage": func(rt *rapid.T) { s.command(rt, rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(rt, "data")) },
			"power at a step": func(rt *rapid.T) {
				s.d.fn.FailPowerAt(fn.Step(rapid.SampledFrom(steps).Draw(rt, "step")), rapid.IntRange(0, 3).Draw(rt, "part"))
				s.command(rt, rapid.SampledFrom(pool).Draw(rt, "data"))
				if err := s.d.powerLoss(); err != nil {
					rt.Fatal(err)
				}
			},
			"power": func(rt *rapid.T) {
				if err := s.d.powerLoss(); err != nil {
					rt.Fatal(err)
				}
			},
			"fault": func(rt *rapid.T) {
				f := Fault{Kind: rapid.SampledFrom(faultKinds).Draw(rt, "kind"), When: rapid.SampledFrom([]string{"", faults.After}).Draw(rt, "when")}
				_ = s.d.strikeNow(f)
				s.count()
			},
			"confirm": func(*rapid.T) { s.d.confirmAll() },
			"time": func(rt *rapid.T) {
				s.now = s.now.Add(time.Duration(rapid.IntRange(0, 600).Draw(rt, "min")) * time.Minute)
			},
			"restart": func(rt *rapid.T) {
				before := s.d.fn.Serial()
				if err := s.d.close(); err != nil {
					rt.Fatal(err)
				}
				s.open(rt)
				if s.d.fn.Serial() != before {
					rt.Fatalf("ФН %s after the restart, %s before", s.d.fn.Serial(), before)
				}
			},
			"": s.check,
		})
	})
}

type sequence struct {
	d    *device
	cfg  Config
	now  time.Time
	made int
}

func (s *sequence) open(rt *rapid.T) {
	d, err := newDevice(s.cfg)
	if err != nil {
		rt.Fatal(err)
	}
	s.d = d
	s.count()
}

func (s *sequence) count() { s.made = len(s.d.archive()) }

// command runs one command and holds what it made against what it said.
func (s *sequence) command(rt *rapid.T, data []byte) {
	phase := s.d.fn.Status().Phase
	out := s.d.Execute(data)
	code, _ := codeOf(data)
	at := 1
	if code > 0xFF {
		at = 2
	}
	fine, dark := out[at] == errNone, s.d.fn.Dark()
	made := len(s.d.archive()) - s.made
	s.made += made
	switch {
	case made == 0 && (!fine || !makers[code] || dark):
	case made == 1 && makers[code] && (fine || dark):
	default:
		rt.Fatalf("% X answered % X and made %d documents", data, out, made)
	}
	if made > 0 && phase != fn.PhaseWork {
		rt.Fatalf("% X made a document in phase %d", data, phase)
	}
}

func (s *sequence) check(rt *rapid.T) {
	for _, f := range append(append([]*fn.FN(nil), s.d.old...), s.d.fn) {
		var life, shift fn.Counters
		for i, d := range f.Documents(1, 0) {
			if d.FD != uint32(i+1) || d.FN != f.Serial() {
				rt.Fatalf("ФД %d of %s at place %d of %s", d.FD, d.FN, i, f.Serial())
			}
			if d.Type == fn.TypeShiftOpen {
				shift = fn.Counters{}
			}
			life.Add(d)
			shift.Add(d)
		}
		gotShift, gotLife, _ := f.Totals()
		if gotShift != shift || gotLife != life {
			rt.Fatalf("counters of %s differ from its archive", f.Serial())
		}
	}
	status, r := s.d.fn.Status(), s.d.nv.Receipt
	if r != nil && (status.Current != r.kind() || status.LastFD != r.Base) {
		rt.Fatalf("an open receipt after ФД %d, the ФН says %+v", r.Base, status)
	}
	if r == nil && (status.Current == fn.CurrentReceipt || status.Current == fn.CurrentCorrection) {
		rt.Fatalf("the ФН holds a document %02X the register forgot", status.Current)
	}
}
