package kkt

import (
	"testing"
	"time"
)

func TestWhatAWatchAsks(t *testing.T) {
	clock := time.Date(2026, 3, 6, 13, 0, 0, 0, time.UTC)
	s := FNState{
		ShiftOpen: true, OpenedAt: clock.Add(-5 * time.Hour), Unsent: 2, UnsentAt: clock.Add(-30 * time.Hour),
		ValidUntil: time.Date(2026, 3, 16, 0, 0, 0, 0, time.UTC),
	}
	if s.ShiftAge(clock) != 5*time.Hour || s.Silence(clock) != 30*time.Hour {
		t.Error(s.ShiftAge(clock), s.Silence(clock))
	}
	if n, ok := s.DaysLeft(clock); n != 10 || !ok {
		t.Error(n, ok)
	}
	if n, ok := s.DaysLeft(clock.AddDate(0, 0, 11)); n != -1 || !ok {
		t.Error(n, ok)
	}
	if n, ok := (FNState{KeyDays: 400}).DaysLeft(time.Time{}); n != 400 || !ok {
		t.Error(n, ok)
	}
	var none FNState
	if _, ok := none.DaysLeft(clock); ok || none.ShiftAge(clock) != 0 || none.Silence(clock) != 0 {
		t.Error("something is known of nothing")
	}
	if s.ShiftAge(clock.Add(-24*time.Hour)) != 0 || s.ShiftAge(time.Time{}) != 0 {
		t.Error("a clock that went back")
	}
}
