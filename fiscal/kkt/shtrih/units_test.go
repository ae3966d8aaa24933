package shtrih

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

func TestUnits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.long = unhex("1E 43 31 CB D3 19 04 12 01 1F 00 92 06 03 02 02 4E 41 00 00 01 01 10 19 0A 12 08 24 15 00 7F 46 02 00 03 00 00 00 00 00 23 C7 49 D1 01 00")
		f.add(fakeDoc{code: typeShiftOpen})
		opened := f.now
		f.now = f.now.Add(time.Hour)
		f.receipts = 0
		f.add(fakeDoc{code: typeReceipt, op: 1, sum: 100})
		f.add(fakeDoc{code: 21}) // a report on the state of settlements between
		d := driver(t, f, "")
		defer d.Close()
		units, err := d.Units(context.Background())
		if err != nil || len(units) != 1 {
			t.Fatal(units, err)
		}
		u := units[0]
		if u.Serial != "149119" || u.Mode != modeExpired || u.Clock.Format(time.DateTime) != "2018-10-25 08:36:21" {
			t.Errorf("%+v", u)
		}
		want := kkt.FNState{Serial: f.fn, Phase: 3, LastFD: 6, LastAt: f.now, Shift: 7, ShiftOpen: true, OpenedAt: opened, Receipts: 1, Test: true}
		if u.FN != want {
			t.Errorf("%+v\nwant %+v", u.FN, want)
		}
		if r := u.Registration; r.INN != "7700999990" || r.RNM != "0000000001036533" || r.TaxSystems != 0x37 || !r.AutoMode || r.Autonomous {
			t.Errorf("%+v", r)
		}
		var codes []fault.Code
		for _, f := range u.Faults {
			codes = append(codes, f.Code)
		}
		if !slices.Equal(codes, []fault.Code{fault.PaperOut, fault.CoverOpen, fault.ShiftExpired}) {
			t.Errorf("%v", codes)
		}
	})
}

func TestProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		d := driver(t, f, "")
		if err := d.Probe(context.Background()); err != nil {
			t.Error(err)
		}
		f.refuse[cmdShortStatus] = []byte{0x4f}
		if out := kkt.Classify(d.Probe(context.Background())); out.Kind != kkt.Config || out.Fault.Code != fault.WrongPassword {
			t.Errorf("%+v", out)
		}
		d.Close()
		if f.last() != 3 {
			t.Error("Probe made something")
		}
	})
}

// One operation at a time; who cannot wait is told so.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.before = func(c Code) {
			if c == cmdCloseReceipt {
				time.Sleep(5 * time.Second)
			}
		}
		d := driver(t, f, "verify=never")
		done := make(chan kkt.Outcome)
		go func() { done <- attempt(t, d, sale(), "k") }()
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if out := kkt.Classify(d.Probe(ctx)); out.Kind != kkt.Retry || out.Fault.Code != fault.Busy {
			t.Errorf("%+v", out)
		}
		if out := <-done; out.Kind != kkt.Done || out.Receipt.Kind != fiscal.KindReceipt {
			t.Errorf("%+v", out)
		}
		d.Close()
	})
}

func TestSetClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		var sent []Code
		f.before = func(c Code) { sent = append(sent, c) }
		for _, c := range []Code{cmdSetDate, cmdConfirmDate, cmdSetTime} {
			f.refuse[c] = []byte{0}
		}
		d := driver(t, f, "")
		defer d.Close()
		if err := d.SetClock(context.Background(), time.Date(2026, 3, 6, 13, 50, 7, 0, time.FixedZone("MSK", 3*3600))); err != nil {
			t.Error(err)
		}
		if !slices.Equal(sent, []Code{cmdSetDate, cmdConfirmDate, cmdSetTime}) {
			t.Error(sent)
		}
		f.refuse[cmdSetDate] = []byte{0x73} // the shift is open
		if out := kkt.Classify(d.SetClock(context.Background(), time.Now())); out.Kind != kkt.Retry {
			t.Errorf("%+v", out)
		}
	})
}
