package till

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestShiftByHand(t *testing.T) {
	h := build(t, 1, 1, 0, Settings{})
	reg := h.regs["s0-l0"]
	state := func() (open bool, shift, fd uint32) {
		units, err := driver{reg}.Units(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		return units[0].FN.ShiftOpen, units[0].FN.Shift, units[0].FN.LastFD
	}
	// The lane's worker may not be there yet: ask until it is.
	ask := func(open bool) {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		for {
			err := h.till.Shift(ctx, "s0-l0", open, "Иванова", "проверка")
			if err == nil {
				return
			}
			if !errors.Is(err, ErrNotRunning) || ctx.Err() != nil {
				t.Fatal(err)
			}
		}
	}
	ask(true)
	if open, shift, _ := state(); !open || shift != 1 {
		t.Fatal(open, shift)
	}
	_, _, fd := state()
	ask(true) // as it is already
	if _, _, now := state(); now != fd {
		t.Error("a second report of the same")
	}
	ask(false)
	if open, shift, _ := state(); open || shift != 1 {
		t.Fatal(open, shift)
	}
	if err := h.till.Shift(context.Background(), "none", true, "x", "y"); !errors.Is(err, ErrNotRunning) {
		t.Error(err)
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := h.till.Shift(ended, "s0-l0", true, "x", "y"); err != nil && !errors.Is(err, ErrNotYet) {
		t.Error(err)
	}
}

// TestShiftByHandBetweenSales: a busy lane closes at once, then goes on with a
// new shift.
func TestShiftByHandBetweenSales(t *testing.T) {
	h := build(t, 1, 1, time.Millisecond, Settings{})
	now := time.Now()
	for n := range 40 {
		addJob(t, h.s, "s0", "s0-m", n, now, 5000)
	}
	h.till.Rouse()
	h.await(t, 5)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := h.till.Shift(ctx, "s0-l0", false, "Иванова", "замена ФН"); err != nil {
		t.Fatal(err)
	}
	h.await(t, 35)
}
