package pirit

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

// story is what happens to a few sales: what the draw of a seed decides.
type story struct {
	sales   int
	crashes []int // steps of the till before which the hub dies
	cuts    []int // bytes of the link after which it breaks, one after another
	events  []event
	query   string
}

// event happens to the register before its nth command.
type event struct {
	nth  int
	what string
}

var happenings = []string{"foreign", "restart", "shift", "paper out", "paper in", "no answer", "ФН error", "late"}

func draw(t *rapid.T) story {
	s := story{sales: rapid.IntRange(1, 3).Draw(t, "sales")}
	s.crashes = rapid.SliceOfN(rapid.IntRange(1, 30), 0, 4).Draw(t, "crashes")
	s.cuts = rapid.SliceOfN(rapid.IntRange(1, 900), 0, 5).Draw(t, "cuts")
	s.events = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) event {
		return event{rapid.IntRange(1, 80).Draw(t, "nth"), rapid.SampledFrom(happenings).Draw(t, "what")}
	}), 0, 6).Draw(t, "events")
	s.query = rapid.SampledFrom([]string{"verify=always", "verify=never", "verify=first&block=64", "verify=never&print=no"}).Draw(t, "settings")
	return s
}

// saved is what survives a crash of the hub: the attempt as the till stores it
// before anything is sent.
type saved struct {
	wire kkt.Wire
	key  kkt.Key
	base kkt.Baseline
}

// play runs the story on virtual time and says what is wrong at its end. After
// a while nothing goes wrong any more, so every sale ends.
func (s story) play() error {
	f := newFake()
	var lost bool
	calls := 0
	f.before = func(string) {
		calls++
		for _, e := range s.events {
			if e.nth == calls {
				f.happen(e.what, &lost)
			}
		}
	}
	f.reply = func(_ string, frame []byte) []byte {
		if lost {
			lost = false
			return nil
		}
		return frame
	}
	cuts := s.cuts
	next := func() {
		if f.cutAt == 0 || f.bytes >= f.cutAt {
			f.cutAt, f.bytes = 0, 0
			if len(cuts) > 0 {
				f.cutAt, cuts = cuts[0], cuts[1:]
			}
		}
	}
	ctx := context.Background()
	set := mustSettings(s.query)
	fresh := func() *Driver { return New(set, kkt.Options{Now: time.Now, Dial: f.dial}) }
	d := fresh()
	defer func() { d.Close(); f.group.Wait() }()
	steps := 0
	crash := func() bool {
		steps++
		for _, c := range s.crashes {
			if c == steps {
				d.Close()
				d = fresh()
				return true
			}
		}
		return false
	}
	for sale := range s.sales {
		var stored *saved
		attempt := 1
		for ended := false; !ended; {
			next()
			if steps > 400 {
				return fmt.Errorf("sale %d has no end", sale)
			}
			if stored == nil {
				base, err := d.Ready(ctx)
				if crash() {
					continue
				}
				if err != nil {
					f.mend()
					time.Sleep(time.Second)
					continue
				}
				if !base.ShiftOpen || base.Expired {
					return fmt.Errorf("baseline %+v", base)
				}
				key := kkt.NewKey(fmt.Sprint(sale)).Attempt(attempt)
				w, err := d.Encode(saleOf(sale), key, kkt.Registration{})
				if err != nil {
					return err
				}
				stored = &saved{w, key, base}
				if crash() {
					continue
				}
				out := d.Submit(ctx, w, base)
				if crash() {
					continue // the outcome dies with the hub: it is settled
				}
				ended, stored, attempt = follow(out, stored, attempt)
				continue
			}
			out := d.Settle(ctx, stored.wire, stored.key, stored.base, "")
			if crash() {
				continue
			}
			if out.Kind == kkt.Ambiguous {
				f.mend()
				time.Sleep(out.After)
			}
			if out.Kind == kkt.Done && out.Receipt.FP != f.docs[out.Receipt.FD-1].fp {
				return fmt.Errorf("sale %d: %+v", sale, out.Receipt)
			}
			ended, stored, attempt = follow(out, stored, attempt)
		}
	}
	for sale := range s.sales {
		if n := f.keys(kkt.NewKey(fmt.Sprint(sale))); n != 1 {
			return fmt.Errorf("sale %d has %d documents", sale, n)
		}
	}
	return nil
}

// follow is what the till does with an outcome.
func follow(out kkt.Outcome, s *saved, attempt int) (ended bool, keep *saved, next int) {
	switch {
	case out.Kind == kkt.Done:
		return true, nil, attempt
	case out.Kind == kkt.Retry:
		return false, nil, attempt // nothing was taken: the same key again
	case out.Kind.NotMade():
		return false, nil, attempt + 1
	}
	return false, s, attempt
}

func saleOf(i int) fiscal.Document {
	d := sale()
	d.Machine.Serial = fmt.Sprintf("VM-%06d", i)
	return d
}

func mustSettings(query string) Settings {
	var t noTest
	return settings(t, query)
}

// noTest lets helpers of tests be used where no test is at hand.
type noTest struct{ testing.TB }

func (noTest) Helper()           {}
func (noTest) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

func (f *fake) happen(what string, lost *bool) {
	switch what {
	case "foreign":
		f.add(3, ourReceipt(kkt.NewKey("foreign"))...)
	case "restart":
		f.started = false
		if f.document>>4 != stateInFN {
			f.document = 0
		}
	case "shift":
		if f.document == 0 {
			f.add(5)
			f.shift++
			f.receipts = 0
			f.add(2)
		}
	case "paper out":
		f.paper = printerNoPaper
	case "paper in":
		f.paper = 0
	case "no answer":
		*lost = true
	case "ФН error":
		f.refuse["31"] = append(f.refuse["31"], 0x62)
	case "late":
		time.Sleep(7 * time.Second)
	}
}

// mend is what a person does meanwhile.
func (f *fake) mend() { f.paper = 0 }

// Whatever crashes, cuts and errors come in whatever order, each sale is one
// document. The check can fail: see TestThePropertyCanFail.
func TestExactlyOnceInAnyStory(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := draw(rt)
		if err := inBubble(t, s.play); err != nil {
			rt.Fatalf("%+v: %v", s, err)
		}
	})
}

func inBubble(t *testing.T, f func() error) (err error) {
	synctest.Test(t, func(*testing.T) { err = f() })
	return err
}

// A till that believes a lost answer means "not made" doubles a receipt, and
// the count finds it.
func TestThePropertyCanFail(t *testing.T) {
	err := inBubble(t, func() error {
		f := newFake()
		lost := true
		f.reply = func(call string, frame []byte) []byte {
			if call == "31" && lost {
				lost = false
				return nil
			}
			return frame
		}
		d := New(mustSettings("verify=never"), kkt.Options{Now: time.Now, Dial: f.dial})
		defer func() { d.Close(); f.group.Wait() }()
		for n := 1; n <= 2; n++ {
			base, err := d.Ready(context.Background())
			if err != nil {
				return err
			}
			w, err := d.Encode(sale(), kkt.NewKey("0").Attempt(n), kkt.Registration{})
			if err != nil {
				return err
			}
			if d.Submit(context.Background(), w, base).Kind == kkt.Done {
				break
			}
		}
		if n := f.keys(kkt.NewKey("0")); n != 2 {
			return fmt.Errorf("%d documents", n)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
