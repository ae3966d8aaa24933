package demo

import (
	"testing"
	"time"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/hub/api/contract"
	"github.com/chekomat/chekomat/testbench/fn"
)

// whole is one sale that went all the way.
func whole() Stages {
	return Stages{
		Vends:   []Vend{{"VM-1", 5000, true}},
		Journal: []Entry{{Serial: "VM-1", Agent: "a", Journal: "j", Seq: 1, Amount: 5000, Shown: &wire.Shown{Result: "shown", AfterMS: 40}}},
		Hub:     []contract.Sale{{Serial: "VM-1", Agent: "a", Journal: "j", Seq: 1, Kind: "sale", Amount: 5000, Fate: "job", Job: &contract.SaleJob{State: "done"}}},
		Archive: []fn.Document{{Type: fn.TypeReceipt, Operation: 1, Machine: "VM-1", Sum: 5000, KeyName: kkt.KeyName, Key: "k1", FD: 7}},
	}
}

func TestCountFindsWhatIsMissingOrDoubledAtEachStage(t *testing.T) {
	for _, c := range []struct {
		name             string
		change           func(*Stages)
		lost, duplicated int
	}{
		{"whole", func(*Stages) {}, 0, 0},
		{"not journaled", func(s *Stages) { s.Vends = append(s.Vends, Vend{"VM-1", 5000, true}) }, 1, 0},
		{"unheard is not lost", func(s *Stages) { s.Vends = append(s.Vends, Vend{"VM-1", 5000, false}) }, 0, 0},
		{"half heard and recovered", func(s *Stages) { s.Vends[0].Heard = false }, 0, 0},
		{"journaled twice", func(s *Stages) {
			s.Journal = append(s.Journal, s.Journal[0])
		}, 0, 1},
		{"journaled with another amount", func(s *Stages) { s.Journal[0].Amount = 5100 }, 1, 1},
		{"not in the hub", func(s *Stages) { s.Hub[0].Seq = 2 }, 1, 0},
		{"no receipt", func(s *Stages) { s.Archive = nil }, 1, 0},
		{"two receipts", func(s *Stages) { s.Archive = append(s.Archive, s.Archive[0]) }, 0, 1},
		{"another program's receipt", func(s *Stages) {
			s.Archive = append(s.Archive, fn.Document{Type: fn.TypeReceipt, Operation: 1, Machine: "FOREIGN", Sum: 100, KeyName: "foreign", Key: "FOREIGN-1"})
		}, 0, 0},
		{"receipt of another machine", func(s *Stages) { s.Archive[0].Machine = "VM-2" }, 1, 1},
		{"held is not lost", func(s *Stages) { s.Hub[0].Fate, s.Hub[0].Reason, s.Archive = "held", "currency", nil }, 0, 0},
		{"a correction instead of a receipt", func(s *Stages) {
			s.Hub[0].Job.Purpose, s.Archive[0].Type = "correction", fn.TypeCorrection
		}, 0, 0},
		{"a correction that is not there", func(s *Stages) { s.Hub[0].Job.Purpose, s.Archive = "correction", nil }, 1, 0},
		{"a correction and a receipt", func(s *Stages) {
			s.Hub[0].Job.Purpose = "correction"
			s.Archive = append(s.Archive, s.Archive[0])
			s.Archive[1].Type = fn.TypeCorrection
		}, 0, 1},
		{"a receipt that was repaired", func(s *Stages) {
			back, right := s.Archive[0], s.Archive[0]
			back.Type, right.Type, back.Operation = fn.TypeCorrection, fn.TypeCorrection, 2
			s.Archive = append(s.Archive, back, right)
		}, 0, 0},
		{"held but printed", func(s *Stages) { s.Hub[0].Fate, s.Hub[0].Reason = "held", "currency" }, 0, 1},
	} {
		s := whole()
		c.change(&s)
		r := s.Count()
		if r.Lost != c.lost || r.Duplicated != c.duplicated {
			t.Errorf("%s: lost %d, duplicated %d; want %d, %d: %v", c.name, r.Lost, r.Duplicated, c.lost, c.duplicated, r.Problems)
		}
	}
}

func TestQuantilesOfFew(t *testing.T) {
	if q := quantiles([]int64{30, 10, 20}); q.P50 != 20 || q.P99 != 20 {
		t.Errorf("quantiles of three: %+v", q)
	}
	if q := quantiles(nil); q != (Quantiles{}) {
		t.Errorf("quantiles of none: %+v", q)
	}
}

func TestACaptureOfHoursPlaysAMinute(t *testing.T) {
	for last, want := range map[time.Duration]uint{0: 10, 46 * time.Second: 10, 10 * time.Minute: 10, 10*time.Minute + 1: 11, 24 * time.Hour: 1440} {
		if got := (capture{last: last}).speed(); got != want {
			t.Errorf("%v: %d times, want %d", last, got, want)
		}
	}
}
