package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/hub/api/contract"
	"github.com/chekomat/chekomat/hub/outlook"
)

// Thinning of readings: one an hour, and one at each change of the shift and of
// the ФН; those older than readingsWhole, one a day.
const (
	readingEvery  = time.Hour
	readingsWhole = 60 * 24 * time.Hour
	day           = 24 * time.Hour
)

// noteReading stores what a register told of its ФН when it is due.
func noteReading(tx *sql.Tx, now int64, lane string, u kkt.Unit) error {
	fn := u.FN
	var at int64
	var shift uint32
	var open bool
	err := tx.QueryRow(`SELECT at, shift, shift_open FROM fn_reading WHERE fn = ? ORDER BY at DESC LIMIT 1`, fn.Serial).Scan(&at, &shift, &open)
	switch {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return fmt.Errorf("readings of ФН %s: %w", fn.Serial, err)
	case shift == fn.Shift && open == fn.ShiftOpen && now >= at && now-at < readingEvery.Milliseconds():
		return nil
	}
	told := func(what kkt.Told, v int64) sql.NullInt64 { return sql.NullInt64{Int64: v, Valid: fn.Told&what != 0} }
	unsentAt := ""
	if fn.Unsent > 0 && !fn.UnsentAt.IsZero() {
		unsentAt = fn.UnsentAt.Format(fiscal.WallLayout)
	}
	if _, err := tx.Exec(`INSERT INTO fn_reading(fn, at, lane_id, fd, shift, shift_open, unsent, unsent_at, documents_left, memory_left)
		VALUES (?,?,?,?,?,?,?,?,?,?) ON CONFLICT(fn, at) DO NOTHING`, fn.Serial, now, lane, fn.LastFD, fn.Shift, fn.ShiftOpen,
		told(kkt.ToldUnsent, int64(fn.Unsent)), unsentAt, told(kkt.ToldDocuments, int64(fn.DocumentsLeft)), told(kkt.ToldMemory, int64(min(fn.MemoryLeft, 1<<62)))); err != nil {
		return fmt.Errorf("reading of ФН %s: %w", fn.Serial, err)
	}
	_, err = tx.Exec(`DELETE FROM fn_reading WHERE fn = ? AND at < ? AND at % ? >= ?`, fn.Serial, now-readingsWhole.Milliseconds(),
		day.Milliseconds(), readingEvery.Milliseconds())
	return err
}

// Readings gives what an ФН told in the last days, as far as the outlook asks,
// the oldest first.
func (s *Store) Readings(ctx context.Context, fn string) ([]outlook.Reading, error) {
	all, err := listOf(ctx, s.r, func(r *sql.Rows, v *outlook.Reading) error {
		var at int64
		err := r.Scan(&at, &v.FD)
		v.At = instant(at)
		return err
	}, `SELECT at, fd FROM fn_reading WHERE fn = ? AND at >= ? ORDER BY at`, fn, s.Now()-outlook.Span.Milliseconds())
	if err != nil {
		return nil, fmt.Errorf("store: readings of ФН %s: %w", fn, err)
	}
	return all, nil
}

// LaneReadings gives what the ФН of a lane told from one local day to another,
// the oldest first: of each ФН the first reading, and the last of each hour or
// day of the zone. What was made in a step is the difference to the one before.
func (s *Store) LaneReadings(ctx context.Context, lane, zone, step string, from, to time.Time) ([]contract.FNReading, error) {
	z := zoneOf(zone)
	midnight := func(t time.Time, days int) int64 {
		return time.Date(t.Year(), t.Month(), t.Day()+days, 0, 0, 0, 0, z).UnixMilli()
	}
	all, err := listOf(ctx, s.r, func(r *sql.Rows, v *contract.FNReading) error {
		var at int64
		var unsent, documents, memory sql.NullInt64
		err := r.Scan(&v.FN, &at, &v.FD, &v.Shift, &v.ShiftOpen, &unsent, &documents, &memory)
		v.At = instant(at)
		v.Unsent, v.DocumentsLeft, v.MemoryLeft = told(unsent), told(documents), told(memory)
		return err
	}, `SELECT fn, at, fd, shift, shift_open, unsent, documents_left, memory_left FROM fn_reading
		WHERE lane_id = ?1 AND fn IN (SELECT p.fn FROM fn_period p JOIN unit u ON u.id = p.unit_id WHERE u.lane_id = ?1)
		AND at >= ?2 AND at < ?3 ORDER BY fn, at`, lane, midnight(from, 0), midnight(to, 1))
	if err != nil {
		return nil, fmt.Errorf("store: readings of lane %s: %w", lane, err)
	}
	layout := time.DateOnly
	if step == "hour" {
		layout = "2006-01-02T15Z07"
	}
	of := func(v contract.FNReading) string { return v.FN + v.At.In(z).Format(layout) }
	kept := []contract.FNReading{}
	for i, v := range all {
		if i == 0 || all[i-1].FN != v.FN || i == len(all)-1 || of(all[i+1]) != of(v) {
			kept = append(kept, v)
		}
	}
	slices.SortStableFunc(kept, func(a, b contract.FNReading) int { return a.At.Compare(b.At) })
	return kept, nil
}

func told(v sql.NullInt64) *int64 {
	if !v.Valid {
		return nil
	}
	return &v.Int64
}
