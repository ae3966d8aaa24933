package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/hub/api/contract"
)

// Lane is one place receipts of one seller can be made, with its last state.
type Lane struct {
	ID, Operator, Seller, INN string
	Name, URL, FFD, Zone      string
	TaxSystems                fiscal.TaxSystem
	Test, Enabled             bool
	Settings                  LaneSettings
	State, Fault, Detail      string // as the till left them; "" never run
	Accepted, AcceptedBy      string // the fault a person answered for when letting the lane go on, and who
}

// LaneSettings are what an operator may set on a lane; the rules they feed are
// in package till.
type LaneSettings = contract.LaneSettings

const laneColumns = `SELECT l.id, l.operator_id, l.seller_id, s.inn, l.name, l.url, l.ffd, l.zone, l.tax_systems, l.test, l.enabled, l.settings,
	COALESCE(st.state,''), COALESCE(st.fault,''), COALESCE(st.detail,''), COALESCE(st.accepted,''), COALESCE(st.accepted_by,'')
	FROM lane l JOIN seller s ON s.id = l.seller_id LEFT JOIN lane_state st ON st.lane_id = l.id`

func scanLane(row interface{ Scan(...any) error }) (l Lane, err error) {
	var settings []byte
	err = row.Scan(&l.ID, &l.Operator, &l.Seller, &l.INN, &l.Name, &l.URL, &l.FFD, &l.Zone, &l.TaxSystems, &l.Test, &l.Enabled, &settings,
		&l.State, &l.Fault, &l.Detail, &l.Accepted, &l.AcceptedBy)
	if err == nil {
		err = json.Unmarshal(settings, &l.Settings)
	}
	return l, err
}

// Lanes lists all lanes, the disabled ones too.
func (s *Store) Lanes(ctx context.Context) ([]Lane, error) {
	rows, err := s.r.QueryContext(ctx, laneColumns+` ORDER BY l.id`)
	if err != nil {
		return nil, fmt.Errorf("store: list lanes: %w", err)
	}
	defer rows.Close()
	var all []Lane
	for rows.Next() {
		l, err := scanLane(rows)
		if err != nil {
			return nil, fmt.Errorf("store: list lanes: %w", err)
		}
		all = append(all, l)
	}
	return all, rows.Err()
}

// Lane reads one lane; ErrNotFound when there is none.
func (s *Store) Lane(ctx context.Context, id string) (Lane, error) {
	l, err := scanLane(s.r.QueryRowContext(ctx, laneColumns+` WHERE l.id = ?`, id))
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return l, fmt.Errorf("store: lane %s: %w", id, err)
	}
	return l, nil
}

// Hold is a worker's right to write for a lane. Every write of the worker
// renews it and fails with ErrFenced when another holder has taken the lane.
type Hold struct {
	Lane, Holder string
	Fence        int64
	TTL          time.Duration
	Back         time.Duration // by how much the hub's clock is behind the lane's last sign of life
}

// Facts a worker decides on.
var (
	// ErrFenced says that another hub has taken the lane.
	ErrFenced = errors.New("the lane is held by another hub")
	// ErrNotOpen says that the attempt is no longer open: a person decided it.
	ErrNotOpen = errors.New("the attempt was decided meanwhile")
	// ErrMoved says that the job is no longer in the state that was read.
	ErrMoved = errors.New("the job has moved on meanwhile")
)

// laneStarting is package till's state of a lane whose register's documents are
// not accounted for yet.
const laneStarting = "starting"

// LeasedError says until when a lane is not to be taken over.
type LeasedError struct {
	Holder string
	Until  int64 // ms
	Looked bool  // its holder has accounted for the register's documents
}

func (e *LeasedError) Error() string {
	return fmt.Sprintf("the lane is leased to %s until %s", e.Holder, time.UnixMilli(e.Until).UTC().Format(time.RFC3339))
}

// TakeLane leases the lane to holder for ttl under a new fence. A lane of
// another holder is free only when its lease and then rest (the longest command
// that may still run in the register) have passed; until then *LeasedError. A
// lease that ends later than any given now could was written by a clock that was
// ahead: it is cut to ttl from now, which a holder that lives undoes.
func (s *Store) TakeLane(ctx context.Context, lane, holder string, ttl, rest time.Duration) (Hold, error) {
	h := Hold{Lane: lane, Holder: holder, TTL: ttl}
	var leased *LeasedError
	err := s.Write(ctx, func(tx *sql.Tx) error {
		now := s.leaseNow()
		ahead := now - s.Now()
		leased = nil
		var was, state string
		var until int64
		err := tx.QueryRow(`SELECT holder, fence, lease_until, state FROM lane_state WHERE lane_id = ?`, lane).Scan(&was, &h.Fence, &until, &state)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		h.Back = 0
		if last := until - ttl.Milliseconds(); was == holder && last > now {
			h.Back = time.Duration(last-now) * time.Millisecond
		}
		if free := until + rest.Milliseconds(); was != "" && was != holder && free > now {
			leased = &LeasedError{Holder: was, Until: free - ahead, Looked: state != laneStarting && state != ""}
			if most := now + ttl.Milliseconds(); until > most {
				leased.Until = most + rest.Milliseconds() - ahead
				_, err = tx.Exec(`UPDATE lane_state SET lease_until = ? WHERE lane_id = ? AND fence = ?`, most, lane, h.Fence)
			}
			return err
		}
		h.Fence++
		_, err = tx.Exec(`INSERT INTO lane_state(lane_id, since, holder, fence, lease_until) VALUES (?,?,?,?,?)
			ON CONFLICT(lane_id) DO UPDATE SET holder = excluded.holder, fence = excluded.fence, lease_until = excluded.lease_until`,
			lane, s.Now(), holder, h.Fence, now+ttl.Milliseconds())
		return err
	})
	if err == nil && leased != nil {
		err = leased
	}
	if err != nil {
		return Hold{}, fmt.Errorf("store: take lane %s: %w", lane, err)
	}
	return h, nil
}

// keep renews the hold inside a write, or fails with ErrFenced.
func (h Hold) keep(tx *sql.Tx, now int64) error {
	res, err := tx.Exec(`UPDATE lane_state SET lease_until = CASE WHEN lease_until < ?1 THEN ?1 ELSE lease_until END
		WHERE lane_id = ?2 AND holder = ?3 AND fence = ?4`,
		now+h.TTL.Milliseconds(), h.Lane, h.Holder, h.Fence)
	return one(res, err, ErrFenced)
}

// one says that exactly one row was to be changed.
func one(res sql.Result, err, none error) error {
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return none
}

// write is Write under a hold.
func (s *Store) held(ctx context.Context, h Hold, what string, fn func(tx *sql.Tx, now int64) error) error {
	err := s.write(ctx, true, func(tx *sql.Tx) error {
		if err := h.keep(tx, s.leaseNow()); err != nil {
			return err
		}
		return fn(tx, s.Now())
	})
	if err != nil {
		return fmt.Errorf("store: lane %s: %s: %w", h.Lane, what, err)
	}
	return nil
}

// KeepLane renews the lease of a lane that has nothing else to write.
func (s *Store) KeepLane(ctx context.Context, h Hold) error {
	return s.held(ctx, h, "renew the lease", func(*sql.Tx, int64) error { return nil })
}

// SetLaneState stores how the lane does; since moves when state or fault change.
func (s *Store) SetLaneState(ctx context.Context, h Hold, state, fault, detail string) error {
	return s.held(ctx, h, "set state "+state, func(tx *sql.Tx, now int64) error {
		if state == "ok" { // it works: nobody need answer for anything any longer
			if _, err := tx.Exec(`UPDATE lane_state SET accepted = '', accepted_by = '' WHERE lane_id = ? AND accepted <> ''`, h.Lane); err != nil {
				return err
			}
		}
		return setLaneState(tx, now, h.Lane, state, fault, detail)
	})
}

func setLaneState(tx *sql.Tx, now int64, lane, state, fault, detail string) error {
	_, err := tx.Exec(`INSERT INTO lane_state(lane_id, state, fault, detail, since) VALUES (?1,?2,?3,?4,?5)
		ON CONFLICT(lane_id) DO UPDATE SET since = CASE WHEN lane_state.state = ?2 AND lane_state.fault = ?3 THEN lane_state.since ELSE ?5 END,
		state = ?2, fault = ?3, detail = ?4`, lane, state, fault, detail, now)
	return err
}

// ReleaseLane gives the lease back and stores the last state; used when a
// lane is disabled or the hub stops.
func (s *Store) ReleaseLane(ctx context.Context, h Hold) error {
	return s.held(ctx, h, "give back the lease", func(tx *sql.Tx, now int64) error {
		_, err := tx.Exec(`UPDATE lane_state SET lease_until = ?, holder = '' WHERE lane_id = ?`, now, h.Lane)
		return err
	})
}

// LetLaneGo notes that a person lets a lane go on that stands, and answers for
// the fault it stands on (AcceptedBy of the lane, until it works again).
func (s *Store) LetLaneGo(ctx context.Context, lane, state, who string) error {
	err := s.Write(ctx, func(tx *sql.Tx) error {
		now := s.Now()
		var fault string
		err := tx.QueryRow(`SELECT fault FROM lane_state WHERE lane_id = ?`, lane).Scan(&fault)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if err := setLaneState(tx, now, lane, state, "", who); err != nil {
			return err
		}
		_, err = tx.Exec(`UPDATE lane_state SET accepted = ?, accepted_by = ? WHERE lane_id = ?`, fault, who, lane)
		return err
	})
	if err != nil {
		return fmt.Errorf("store: lane %s: let it go on: %w", lane, err)
	}
	return nil
}

// NameLaneState stores the state of a lane that does not run, without a lease.
func (s *Store) NameLaneState(ctx context.Context, lane, state, fault, detail string) error {
	err := s.Write(ctx, func(tx *sql.Tx) error { return setLaneState(tx, s.Now(), lane, state, fault, detail) })
	if err != nil {
		return fmt.Errorf("store: lane %s: set state %s: %w", lane, state, err)
	}
	return nil
}

// SaveUnit stores what a register said about itself. known is the newest
// document of its ФН that the hub has accounted for; 0 when it has not looked
// at this ФН yet.
func (s *Store) SaveUnit(ctx context.Context, h Hold, u kkt.Unit) (known uint32, err error) {
	status, err := json.Marshal(u)
	if err != nil {
		return 0, fmt.Errorf("store: unit %s: %w", u.Serial, err)
	}
	err = s.held(ctx, h, "save register "+u.Serial, func(tx *sql.Tx, now int64) error {
		unit := h.Lane + "/" + u.Serial
		if _, err := tx.Exec(`INSERT INTO unit(id, lane_id, serial, model, status, polled_at) VALUES (?,?,?,?,?,?)
			ON CONFLICT(lane_id, serial) DO UPDATE SET model = excluded.model, status = excluded.status, polled_at = excluded.polled_at`,
			unit, h.Lane, u.Serial, u.Model, status, now); err != nil {
			return err
		}
		if u.FN.Serial == "" {
			return nil
		}
		_, err := tx.Exec(`INSERT INTO fn_period(id, unit_id, fn, rnm, inn, ffd, seen_from, seen_to) VALUES (?,
			(SELECT id FROM unit WHERE lane_id = ? AND serial = ?),?,?,?,?,?,?)
			ON CONFLICT(unit_id, fn) DO UPDATE SET rnm = excluded.rnm, inn = excluded.inn, ffd = excluded.ffd, seen_to = excluded.seen_to`,
			unit+"/"+u.FN.Serial, h.Lane, u.Serial, u.FN.Serial, u.Registration.RNM, u.Registration.INN, u.Registration.FFD.String(), now, now)
		if err == nil {
			err = noteReading(tx, now, h.Lane, u)
		}
		if err != nil {
			return err
		}
		// An ФН may have been moved to this unit from another: what is known of it counts.
		return tx.QueryRow(`SELECT MAX(last_fd) FROM fn_period WHERE fn = ?`, u.FN.Serial).Scan(&known)
	})
	return known, err
}

// setLastFD says that all documents of the ФН up to fd are accounted for.
func setLastFD(tx *sql.Tx, fn string, fd uint32) error {
	_, err := tx.Exec(`UPDATE fn_period SET last_fd = ?2 WHERE fn = ?1 AND last_fd < ?2`, fn, fd)
	return err
}

// AccountedFor says that all documents of the ФН up to fd are receipts of
// ours, recorded as foreign, or older than our use of this ФН.
// back says that what was known beyond fd is none of this ФН, by a person's word.
func (s *Store) AccountedFor(ctx context.Context, h Hold, fn string, fd uint32, back bool) error {
	return s.held(ctx, h, "account for documents", func(tx *sql.Tx, _ int64) error {
		// What is older may have been left out: it was before our use of this ФН.
		if _, err := tx.Exec(`UPDATE fn_period SET since_fd = ? WHERE fn = ?`, fd, fn); err != nil {
			return err
		}
		if !back {
			return setLastFD(tx, fn, fd)
		}
		_, err := tx.Exec(`UPDATE fn_period SET last_fd = ? WHERE fn = ?`, fd, fn)
		return err
	})
}

// SkipDocument accounts for a document that the register has and does not give,
// on a person's word: it is kept as foreign, without content. next as TakeDocument.
func (s *Store) SkipDocument(ctx context.Context, h Hold, fn string, fd uint32, next bool, who string) error {
	return s.held(ctx, h, fmt.Sprintf("skip document %s/%d", fn, fd), func(tx *sql.Tx, now int64) error {
		receipt, err := json.Marshal(fiscal.Receipt{FN: fn, FD: fd})
		if err != nil {
			return err
		}
		_, err = tx.Exec(`INSERT INTO foreign_document(fn, fd, lane_id, kind, amount, at, key, found_at, receipt)
			SELECT ?, ?, ?, 0, 0, '', '', ?, ? WHERE NOT EXISTS (SELECT 1 FROM receipt WHERE fn = ? AND fd = ?) ON CONFLICT DO NOTHING`,
			fn, fd, h.Lane, now, receipt, fn, fd)
		if err == nil && next {
			err = followLastFD(tx, fn, fd)
		}
		return err
	})
}

// followLastFD moves the mark of accounted documents to fd when all before it are.
func followLastFD(tx *sql.Tx, fn string, fd uint32) error {
	_, err := tx.Exec(`UPDATE fn_period SET last_fd = ? WHERE fn = ? AND last_fd = ?`, fd, fn, fd-1)
	return err
}

// LaneAlarm is a trouble of a lane.
type LaneAlarm struct {
	Code, Detail string
	Severity     Severity
}

// Alarms holds incidents of the lane open and clears others.
func (s *Store) Alarms(ctx context.Context, h Hold, operator string, raise []LaneAlarm, clear []string) error {
	return s.held(ctx, h, "raise alarms", func(tx *sql.Tx, _ int64) error {
		for _, a := range raise {
			if _, err := s.Hold(tx, operator, AboutLane(h.Lane), a.Code, a.Severity, a.Detail); err != nil {
				return err
			}
		}
		for _, code := range clear {
			if _, err := s.Clear(tx, AboutLane(h.Lane), code); err != nil {
				return err
			}
		}
		return nil
	})
}

// OpenAlarms lists the lane's open incidents, but for the ledger's, which the
// ledger ends.
func (s *Store) OpenAlarms(ctx context.Context, lane string) (open []LaneAlarm, err error) {
	rows, err := s.r.QueryContext(ctx, `SELECT code, severity, detail FROM incident WHERE subject = ? AND closed_at IS NULL AND code <> ?`, AboutLane(lane), LedgerDiffers)
	if err != nil {
		return nil, fmt.Errorf("store: alarms of lane %s: %w", lane, err)
	}
	defer rows.Close()
	for rows.Next() {
		var a LaneAlarm
		if err := rows.Scan(&a.Code, &a.Severity, &a.Detail); err != nil {
			return nil, fmt.Errorf("store: alarms of lane %s: %w", lane, err)
		}
		open = append(open, a)
	}
	return open, rows.Err()
}
