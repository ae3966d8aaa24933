package store

import (
	"context"
	"database/sql"
	"testing"
)

func TestIncidentOpensOnceAndCloses(t *testing.T) {
	s := openTest(t)
	mustWrite(t, s, func(tx *sql.Tx) error {
		for i, want := range []bool{true, false, false} {
			opened, err := s.Raise(tx, "", AboutHub, "disk_low", Warn, "n")
			if err != nil || opened != want {
				t.Errorf("raise %d: opened %v, %v", i, opened, err)
			}
		}
		if opened, err := s.Hold(tx, "", AboutHub, "disk_low", Alarm, "n"); opened || err != nil {
			t.Errorf("hold of an open incident: %v, %v", opened, err)
		}
		if opened, err := s.Hold(tx, "", AboutHub, "clock", Alarm, "x"); !opened || err != nil {
			t.Errorf("hold of a new incident: %v, %v", opened, err)
		}
		return nil
	})
	var count int
	if err := s.Read().QueryRow(`SELECT count FROM incident WHERE code='disk_low'`).Scan(&count); err != nil || count != 3 {
		t.Errorf("count %d, %v; want 3", count, err)
	}
	mustWrite(t, s, func(tx *sql.Tx) error {
		for _, want := range []bool{true, false} {
			if closed, err := s.Clear(tx, AboutHub, "disk_low"); err != nil || closed != want {
				t.Errorf("clear: %v, %v; want %v", closed, err, want)
			}
		}
		if opened, err := s.Raise(tx, "", AboutHub, "disk_low", Warn, "again"); !opened || err != nil {
			t.Errorf("raise after clear: %v, %v", opened, err)
		}
		return nil
	})
}

func mustWrite(t testing.TB, s *Store, fn func(tx *sql.Tx) error) {
	t.Helper()
	if err := s.Write(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}
