package till

import (
	"context"
	"testing"
	"time"

	"github.com/chekomat/chekomat/fiscal/kkt"
)

// line is a register that serves one connection at a time: whoever asks it is
// connected until he hangs up.
type line struct {
	driver
	connected *bool
}

func (l line) Units(ctx context.Context) ([]kkt.Unit, error) {
	*l.connected = true
	return l.driver.Units(ctx)
}

func (l line) Close() error {
	*l.connected = false
	return nil
}

// TestARegisterOfAnotherHubIsGivenFree: a hub that has lost a lane, or looked at
// the register of one that it never had, keeps no connection to it.
func TestARegisterOfAnotherHubIsGivenFree(t *testing.T) {
	ctx, c := t.Context(), &clock{t: noon}
	s := openStore(t, c.now)
	addSeller(t, s, "s")
	addLane(t, s, "s", "l")
	l := line{driver{newRegister(c.now, "9999000000000001", "7701237658")}, new(bool)}
	till := New(s, Settings{Holder: "a", Now: c.now, Open: func(string) (kkt.Driver, error) { return l, nil }})
	row, err := s.Lane(ctx, "l")
	if err != nil {
		t.Fatal(err)
	}
	w, err := newWorker(till, row)
	if err != nil {
		t.Fatal(err)
	}
	r := &run{driver: l}
	w.held, till.runs["l"] = &r.held, r
	look := func(keeps bool) {
		t.Helper()
		if _, err := till.Look(ctx, "l"); err != nil {
			t.Fatal(err)
		}
		if *l.connected != keeps {
			t.Errorf("connected after a look: %t, want %t", *l.connected, keeps)
		}
	}
	look(false)
	if _, ok := w.do(ctx, ctx, takeLane{}).(leased); !ok {
		t.Fatal("the lane is not leased")
	}
	if _, ok := w.do(ctx, ctx, poll{}).(polled); !ok {
		t.Fatal("the register is not looked at")
	}
	look(true)
	c.t = c.t.Add(4 * time.Minute) // suspended
	if _, err := s.TakeLane(ctx, "l", "b", time.Minute, 2*time.Minute); err != nil {
		t.Fatal(err)
	}
	if _, ok := w.do(ctx, ctx, poll{}).(lost); !ok || *l.connected {
		t.Errorf("lost: %t, connected: %t", ok, *l.connected)
	}
	look(false)
	*l.connected = true
	if ev, ok := w.do(ctx, ctx, takeLane{}).(leased); !ok || ev.Until.IsZero() || *l.connected {
		t.Errorf("%+v, connected: %t", ev, *l.connected)
	}
}

// dated notes until when a driver may speak.
type dated struct {
	driver
	until *time.Duration
}

func (d dated) Submit(ctx context.Context, w kkt.Wire, base kkt.Baseline) kkt.Outcome {
	end, ok := ctx.Deadline()
	if *d.until = time.Until(end); !ok {
		*d.until = 1 << 62
	}
	return d.driver.Submit(ctx, w, base)
}

// TestNothingIsSaidBeyondTheLease: a document of many commands is given up before
// another hub may take the lane, which waits the lease and the longest command.
func TestNothingIsSaidBeyondTheLease(t *testing.T) {
	w := single(t)
	w.upToSubmit(addJob(t, w.s, "s", "", 1, w.clock.t, 500))
	v, left := w.workers["l"].w, new(time.Duration)
	v.driver = dated{driver{w.reg()}, left}
	gone := v.hold.TTL / 2
	w.clock.t = v.kept.Add(gone)
	w.step("l")
	if taken := v.hold.TTL + v.set.Longest - gone; *left <= 0 || *left >= taken {
		t.Errorf("the driver may speak for %v, the lane can be taken in %v", *left, taken)
	}
}
