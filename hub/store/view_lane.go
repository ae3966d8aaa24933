package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"net/url"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/hub/api/contract"
)

const laneView = `SELECT l.id, l.operator_id, l.seller_id, l.name, l.url, l.ffd, l.tax_systems, l.zone, l.test, l.enabled, l.settings, l.created_at,
  coalesce(st.state,''), coalesce(st.fault,''), coalesce(st.detail,''), coalesce(st.since,0),
  (SELECT count(*) FROM job WHERE seller_id=l.seller_id AND` + queuedOnly + `)
    + (SELECT count(*) FROM job WHERE seller_id=l.seller_id AND (state = 'in_flight' OR state = 'resolving')),
  (SELECT count(*) FROM foreign_document WHERE lane_id=l.id AND job_id IS NULL)
  FROM lane l LEFT JOIN lane_state st ON st.lane_id=l.id`

func scanLaneView(r *sql.Rows) (l contract.Lane, err error) {
	var tax fiscal.TaxSystem
	var created, since int64
	var code, detail string
	var settings []byte
	err = r.Scan(&l.ID, &l.Operator, &l.Seller, &l.Name, &l.URL, &l.FFD, &tax, &l.Zone, &l.Test, &l.Enabled, &settings, &created,
		&l.State, &code, &detail, &since, &l.Queue, &l.Foreign)
	if err == nil {
		err = json.Unmarshal(settings, &l.Settings)
	}
	l.URL, l.TaxSystems, l.Units = withoutSecrets(l.URL), taxNames(tax), []contract.Unit{}
	switch {
	case !l.Enabled:
		l.State, code = "disabled", ""
	case l.State == "" || l.State == "disabled":
		l.State, code = "starting", ""
	}
	if since == 0 {
		since = created
	}
	l.Since = instant(since)
	if code != "" {
		l.Fault = &contract.Fault{Code: code, Detail: detail}
	}
	return l, err
}

// withoutSecrets is a driver's URL without passwords.
func withoutSecrets(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	q := u.Query()
	for _, k := range []string{"password", "token", "secret", "key"} {
		q.Del(k)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// LaneViews lists lanes of an operator, or all, with their registers.
func (s *Store) LaneViews(ctx context.Context, operator string) ([]contract.Lane, error) {
	return s.laneViews(ctx, ` WHERE ?1='' OR l.operator_id=?1 ORDER BY l.operator_id, l.id`, operator)
}

// LaneView reads one lane with its FN periods.
func (s *Store) LaneView(ctx context.Context, operator, id string) (contract.Lane, error) {
	all, err := s.laneViews(ctx, ` WHERE l.id=?1 AND (?2='' OR l.operator_id=?2)`, id, operator)
	l, err := first(all, err, "lane "+id)
	if err != nil {
		return l, err
	}
	l.FNPeriods, err = collect(ctx, s.r, func(r *sql.Rows) (p contract.FNPeriod, err error) {
		var from, to int64
		err = r.Scan(&p.Unit, &p.FN, &p.RNM, &p.INN, &p.FFD, &from, &to, &p.LastFD)
		p.SeenFrom, p.SeenTo = instant(from), instant(to)
		return p, err
	}, `SELECT u.serial, p.fn, p.rnm, p.inn, p.ffd, p.seen_from, p.seen_to, p.last_fd
		FROM fn_period p JOIN unit u ON u.id=p.unit_id WHERE u.lane_id=? ORDER BY p.seen_from DESC`, id)
	return l, err
}

func (s *Store) laneViews(ctx context.Context, where string, args ...any) ([]contract.Lane, error) {
	all, err := collect(ctx, s.r, scanLaneView, laneView+where, args...)
	if err != nil {
		return nil, err
	}
	for i := range all {
		all[i].Units, err = collect(ctx, s.r, func(r *sql.Rows) (contract.Unit, error) {
			var status []byte
			var polled int64
			var u kkt.Unit
			if err := r.Scan(&u.Serial, &u.Model, &status, &polled); err != nil {
				return contract.Unit{}, err
			}
			_ = json.Unmarshal(status, &u) // of another version: what is read counts
			return UnitView(u, instant(polled)), nil
		}, `SELECT serial, model, status, polled_at FROM unit WHERE lane_id=? ORDER BY polled_at DESC`, all[i].ID)
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

var warningNames = []struct {
	bit  kkt.Warnings
	name string
}{{kkt.ReplaceNow, "replace_now"}, {kkt.ReplaceSoon, "replace_soon"}, {kkt.ArchiveFull, "archive_full"},
	{kkt.OFDSilent, "ofd_silent"}, {kkt.FNCritical, "fn_critical"}}

// UnitView is a register's state as the API gives it.
func UnitView(u kkt.Unit, polled time.Time) contract.Unit {
	v := contract.Unit{
		Serial: u.Serial, Model: u.Model, Firmware: u.Firmware, PolledAt: polled, Clock: wallClock(u.Clock),
		FN: u.FN.Serial, RNM: u.Registration.RNM, INN: u.Registration.INN, Phase: int(u.FN.Phase),
		LastFD: int64(u.FN.LastFD), Shift: int64(u.FN.Shift), ShiftOpen: u.FN.ShiftOpen, OpenedAt: wallClock(u.FN.OpenedAt),
		Receipts: int64(u.FN.Receipts), Unsent: int64(u.FN.Unsent), Test: u.FN.Test,
	}
	if u.Registration.FFD != 0 {
		v.FFD = u.Registration.FFD.String()
	}
	if !u.FN.ValidUntil.IsZero() {
		v.ValidUntil = u.FN.ValidUntil.Format(time.DateOnly)
	}
	for _, w := range warningNames {
		if u.FN.Warnings&w.bit != 0 {
			v.Warnings = append(v.Warnings, w.name)
		}
	}
	for _, f := range u.Faults {
		v.Faults = append(v.Faults, contract.Fault{Code: string(f.Code), Device: f.Device, Detail: f.Text})
	}
	return v
}

func wallClock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(fiscal.WallLayout)
}
