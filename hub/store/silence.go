package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/chekomat/chekomat/fiscal/fault"
)

// Why a receipt is late, in the codes displays know.
const (
	LateSilent  = "register_silent"
	LateBusy    = "register_busy"
	LateFault   = "register_fault"
	LateFNFull  = "fn_full"
	LateFNOver  = "fn_expired"
	LateOFD     = "ofd_silent"
	LateShift   = "shift"
	LateQueue   = "queue"
	LateNoLanes = "config"
)

// LateFor says a lane's fault in a buyer's words; ok is false when the code
// names no fault of a lane.
func LateFor(code string) (late string, ok bool) {
	switch fault.Code(code) {
	case fault.Unreachable, fault.NoAnswer, fault.LinkBroken, fault.ProtocolBroken, fault.OutcomeUnknown:
		return LateSilent, true
	case fault.Busy, fault.DocumentOpen, fault.DocumentForeign, fault.BaselineMoved, fault.NotMade:
		return LateBusy, true
	case fault.ShiftClosed, fault.ShiftOpen, fault.ShiftExpired:
		return LateShift, true
	case fault.FNFull, fault.FNUnsent: // to the buyer its memory is full, whatever would empty it
		return LateFNFull, true
	case fault.FNExpired:
		return LateFNOver, true
	case fault.OFDSilent:
		return LateOFD, true
	}
	if _, ok := fault.Lookup(fault.Code(code)); ok {
		return LateFault, true
	}
	return "", false
}

// LaneDoes is how a lane does, as far as machines care.
type LaneDoes struct{ State, Fault string }

// Pool is the enabled lanes of one seller and what its machines were told.
type Pool struct {
	Operator, Seller string
	Lanes            []LaneDoes
	Told             string // reason of its silence; "" none
	Since            int64  // of the silence told, ms
}

// Pools lists every seller with its enabled lanes.
func (s *Store) Pools(ctx context.Context) ([]Pool, error) {
	type row struct {
		Pool
		lane sql.NullString
		does LaneDoes
	}
	rows, err := listOf(ctx, s.r, func(r *sql.Rows, v *row) error {
		return r.Scan(&v.Operator, &v.Seller, &v.Told, &v.Since, &v.lane, &v.does.State, &v.does.Fault)
	}, `SELECT s.operator_id, s.id, coalesce(q.reason,''), coalesce(q.since,0), l.id, coalesce(st.state,''), coalesce(st.fault,'')
		FROM seller s LEFT JOIN seller_silence q ON q.seller_id=s.id LEFT JOIN lane l ON l.seller_id=s.id AND l.enabled=1
		LEFT JOIN lane_state st ON st.lane_id=l.id ORDER BY s.id, l.id`)
	if err != nil {
		return nil, fmt.Errorf("store: lanes of sellers: %w", err)
	}
	var all []Pool
	for _, v := range rows {
		if len(all) == 0 || all[len(all)-1].Seller != v.Seller {
			all = append(all, v.Pool)
		}
		if p := &all[len(all)-1]; v.lane.Valid {
			p.Lanes = append(p.Lanes, v.does)
		}
	}
	return all, nil
}

// TellSilence keeps why no lane of a seller makes receipts and since when (ms);
// reason "" says that one does. Catalogues made after it say so.
func (s *Store) TellSilence(ctx context.Context, seller, reason string, since int64) error {
	err := s.Write(ctx, func(tx *sql.Tx) error {
		if reason == "" {
			_, err := tx.Exec(`DELETE FROM seller_silence WHERE seller_id=?`, seller)
			return err
		}
		_, err := tx.Exec(`INSERT INTO seller_silence(seller_id,reason,since) VALUES (?,?,?)
			ON CONFLICT(seller_id) DO UPDATE SET reason=excluded.reason, since=excluded.since`, seller, reason, since)
		return err
	})
	if err != nil {
		return fmt.Errorf("store: silence of seller %s: %w", seller, err)
	}
	return nil
}

// silence says why receipts of a machine can't be made now, and whether it
// must stop selling for that: its rule gives the minutes. A machine whose sales
// are all fiscalized by others has nothing to wait for.
func silence(tx *sql.Tx, f *facts, machine, seller string, stopAfter int, now int64) (late string, stop bool, err error) {
	var since int64
	err = tx.QueryRow(`SELECT reason, since FROM seller_silence WHERE seller_id=?`, seller).Scan(&late, &since)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("silence of seller %s: %w", seller, err)
	}
	ours, err := f.anyOurs(machine, now)
	if err != nil || !ours {
		return "", false, err
	}
	return late, stopAfter > 0 && now-since >= int64(stopAfter)*60_000, nil
}

// anyOurs says whether any payment source of a machine is ours to fiscalize.
func (f *facts) anyOurs(machine string, at int64) (bool, error) {
	for _, source := range []string{"cash", "reader1", "reader2"} {
		who, err := f.who(machine, source, at)
		if err != nil || who.who == whoUs {
			return who.who == whoUs, err
		}
	}
	return false, nil
}
