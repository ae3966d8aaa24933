package store

import (
	"context"
	"database/sql"
	"fmt"
)

// WaitingSeller is a seller whose jobs wait, or did when his incident was raised.
type WaitingSeller struct {
	Operator, Seller string
	Waits            bool     // a job of his has been in the queue for long
	Raised           []string // codes of his open incidents
}

// WaitingSellers lists the sellers with a job that came into the queue before a
// time (ms), and those with an open incident.
func (s *Store) WaitingSellers(ctx context.Context, before int64) (all []WaitingSeller, err error) {
	rows, err := s.r.QueryContext(ctx, `SELECT l.operator_id, l.id,
			CASE WHEN EXISTS (SELECT 1 FROM job WHERE seller_id = l.id AND`+queuedOnly+`AND updated_at <= ?) THEN 1 ELSE 0 END,
			COALESCE(i.code, '')
		FROM seller l LEFT JOIN incident i ON i.subject = 'seller:' || l.id AND i.closed_at IS NULL ORDER BY l.id`, before)
	if err != nil {
		return nil, fmt.Errorf("store: sellers whose jobs wait: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var w WaitingSeller
		var code string
		if err := rows.Scan(&w.Operator, &w.Seller, &w.Waits, &code); err != nil {
			return nil, fmt.Errorf("store: sellers whose jobs wait: %w", err)
		}
		if n := len(all); n > 0 && all[n-1].Seller == w.Seller {
			all[n-1].Raised = append(all[n-1].Raised, code)
			continue
		}
		if code != "" {
			w.Raised = []string{code}
		}
		if w.Waits || code != "" {
			all = append(all, w)
		}
	}
	return all, rows.Err()
}

// unmetPrefix begins the codes of jobs that no lane can make.
const unmetPrefix = "no_lane_"

// NoteUnmet makes the seller's incidents of jobs that no lane can make equal to
// codes (code -> detail).
func (s *Store) NoteUnmet(ctx context.Context, w WaitingSeller, codes map[string]string) error {
	var gone []string
	for _, c := range w.Raised {
		if _, stays := codes[c]; !stays && len(c) > len(unmetPrefix) && c[:len(unmetPrefix)] == unmetPrefix {
			gone = append(gone, c)
		}
	}
	if len(gone)+len(codes) == 0 {
		return nil
	}
	err := s.write(ctx, true, func(tx *sql.Tx) error {
		for code, detail := range codes {
			if _, err := s.Hold(tx, w.Operator, AboutSeller(w.Seller), code, Alarm, detail); err != nil {
				return err
			}
		}
		for _, code := range gone {
			if _, err := s.Clear(tx, AboutSeller(w.Seller), code); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store: jobs of seller %s that no lane can make: %w", w.Seller, err)
	}
	return nil
}
