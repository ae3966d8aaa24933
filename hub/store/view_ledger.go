package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/hub/api/contract"
	"github.com/chekomat/chekomat/hub/ledger"
	"github.com/chekomat/chekomat/hub/outlook"
)

// RegisterOutlook is the outlook of a register of a lane.
type RegisterOutlook struct {
	Operator, Lane, Name string
	Unit                 kkt.Unit // as last polled
	Clock                time.Time
	outlook.Outlook
}

// Outlooks are those of the registers of a lane, or of all enabled lanes for "".
func (s *Store) Outlooks(ctx context.Context, lane string) ([]RegisterOutlook, error) {
	all, err := collect(ctx, s.r, func(r *sql.Rows) (v RegisterOutlook, err error) {
		var status []byte
		var zone string
		var polled int64
		if err := r.Scan(&v.Operator, &v.Lane, &v.Name, &zone, &status, &polled); err != nil {
			return v, err
		}
		_ = json.Unmarshal(status, &v.Unit) // of another version: what is read counts
		if v.Unit.Clock.IsZero() {
			v.Unit.Clock = fiscalWall(instant(polled), zone)
		}
		// The register's clock goes on since it was asked.
		v.Clock = v.Unit.Clock.Add(max(s.now().Sub(instant(polled)), 0))
		return v, nil
	}, `SELECT l.operator_id, l.id, l.name, l.zone, u.status, u.polled_at FROM lane l JOIN unit u ON u.lane_id = l.id
		WHERE (?1 = '' AND l.enabled = 1 OR l.id = ?1)
			AND u.polled_at = (SELECT max(o.polled_at) FROM unit o WHERE o.serial = u.serial AND o.lane_id = u.lane_id) ORDER BY l.id, u.polled_at DESC`, lane)
	if err != nil {
		return nil, fmt.Errorf("store: outlooks: %w", err)
	}
	for i := range all {
		v := &all[i]
		readings, err := s.Readings(ctx, v.Unit.FN.Serial)
		if err != nil {
			return nil, err
		}
		u := v.Unit
		u.Clock = v.Clock
		v.Outlook = outlook.Of(s.now(), u, readings)
	}
	return all, nil
}

func fiscalWall(at time.Time, zone string) time.Time {
	t := at.In(zoneOf(zone))
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

// OutlookView is an outlook as the API gives it, without texts.
func OutlookView(v RegisterOutlook) contract.Outlook {
	u := v.Unit
	u.Clock = v.Clock
	o := contract.Outlook{Unit: v.Unit.Serial, FN: v.Unit.FN.Serial, Pace: v.Pace, Stops: v.Stops, By: string(v.By),
		Avoid: outlook.Avoid(v.Clock, u), Findings: []contract.OutlookFinding{}}
	for _, f := range v.Findings {
		w := contract.OutlookFinding{Code: string(f.What), Level: f.Level.String(), Measure: f.What.Measure(), Stops: f.Stops, Paced: f.Paced}
		if f.Left >= 0 {
			left := f.Left
			w.Left = &left
		}
		o.Findings = append(o.Findings, w)
	}
	return o
}

// LedgerFilter narrows the ledger.
type LedgerFilter struct{ Operator, Lane, Machine, Outcome string }

// LedgerShifts lists shifts, newest first.
func (s *Store) LedgerShifts(ctx context.Context, f LedgerFilter, p Page) (contract.List[contract.LedgerShift], error) {
	none := contract.List[contract.LedgerShift]{}
	q := filter{}
	if f.Lane != "" {
		var owner string
		err := s.r.QueryRowContext(ctx, `SELECT operator_id FROM lane WHERE id = ?1 AND (?2 = '' OR operator_id = ?2)`, f.Lane, f.Operator).Scan(&owner)
		if err != nil {
			return none, fmt.Errorf("store: lane %s: %w", f.Lane, ErrNotFound)
		}
		q.is("lane_id", f.Lane)
	} else {
		q.is("operator_id", f.Operator)
	}
	q.is("outcome", f.Outcome)
	p.Asc = false
	order, err := q.after("id", p)
	if err != nil {
		return none, err
	}
	all, err := collect(ctx, s.r, scanLedgerShift, `SELECT id, operator_id, lane_id, fn, shift, is_open, source, last_fd, outcome, lines, read_at FROM ledger_shift`+q.String()+order, q.args...)
	return page(all, p, func(v contract.LedgerShift) string { return strconv.FormatInt(v.ID, 10) }), err
}

func scanLedgerShift(r *sql.Rows) (v contract.LedgerShift, err error) {
	var read int64
	var body []byte
	if err := r.Scan(&v.ID, &v.Operator, &v.Lane, &v.FN, &v.Shift, &v.Open, &v.Source, &v.LastFD, &v.Outcome, &body, &read); err != nil {
		return v, err
	}
	var lines []ledger.Line
	if err := json.Unmarshal(body, &lines); err != nil {
		return v, fmt.Errorf("lines of shift %d of ФН %s: %w", v.Shift, v.FN, err)
	}
	v.ReadAt, v.Lines = instant(read), []contract.LedgerLine{}
	for _, l := range lines {
		v.Lines = append(v.Lines, contract.LedgerLine{What: l.What, Operation: int(l.Operation), Figure: l.Figure, Ours: l.Ours, Foreign: l.Foreign,
			Told: l.Told, Difference: l.Difference, Outcome: string(l.Outcome), Reason: l.Reason})
	}
	return v, nil
}

// LedgerDays lists machines and days with sales or top-ups, the newest day first. What
// became of the sales is counted from the records and jobs as they stand.
func (s *Store) LedgerDays(ctx context.Context, f LedgerFilter, p Page) (contract.List[contract.LedgerDay], error) {
	none := contract.List[contract.LedgerDay]{}
	if f.Machine != "" {
		owner, err := s.machineOwner(ctx, f.Operator, f.Machine)
		if err != nil {
			return none, err
		}
		f.Operator = owner
	}
	operators, err := s.Operators(ctx, f.Operator)
	if err != nil {
		return none, err
	}
	until, before, err := dayCursor(p.Cursor)
	if err != nil {
		return none, err
	}
	var days []contract.LedgerDay
	for _, o := range operators {
		some, err := s.daysOf(ctx, o, f.Machine, until, before, p.Limit+1)
		if err != nil {
			return none, err
		}
		days = append(days, some...)
	}
	slices.SortFunc(days, func(a, b contract.LedgerDay) int {
		return cmp.Or(strings.Compare(b.Day, a.Day), strings.Compare(a.Operator, b.Operator), strings.Compare(a.Machine, b.Machine))
	})
	if len(days) > p.Limit+1 {
		days = days[:p.Limit+1]
	}
	for i := range days {
		if err := s.fillDay(ctx, &days[i]); err != nil {
			return none, err
		}
	}
	if days == nil {
		days = []contract.LedgerDay{}
	}
	return page(days, p, func(v contract.LedgerDay) string { return v.Day + "/" + v.Operator + "/" + v.Machine }), nil
}

// dayCursor reads where a page ended: its last day, and what of it came.
func dayCursor(cursor string) (day string, after string, err error) {
	if cursor == "" {
		return "", "", nil
	}
	day, after, ok := strings.Cut(cursor, "/")
	if _, e := time.Parse(time.DateOnly, day); e != nil || !ok {
		return "", "", fmt.Errorf("store: %q: %w", cursor, ErrCursor)
	}
	return day, after, nil
}

// ofLedger are records a receipt may be due for.
const ofLedger = `(r.kind='sale' OR r.kind='topup' OR r.kind='incident' AND r.fate<>'note')`

// daysOf lists up to n pairs of day and machine of an operator that have sales
// or top-ups, from the day until on downwards; of that day those after the name
// after.
func (s *Store) daysOf(ctx context.Context, o contract.Operator, machine, until, after string, n int) ([]contract.LedgerDay, error) {
	zone := zoneOf(o.Zone)
	end := int64(1) << 60
	if until != "" {
		d, _ := time.Parse(time.DateOnly, until) // the cursor was read
		end = time.Date(d.Year(), d.Month(), d.Day()+1, 0, 0, 0, 0, zone).UnixMilli() / quarterMS
	}
	var all []contract.LedgerDay
	for len(all) < n {
		var newest sql.NullInt64
		q := filter{}
		q.where("operator_id=?", o.ID)
		q.is("machine_id", machine)
		q.where("quarter<?", end)
		if err := s.r.QueryRowContext(ctx, `SELECT max(quarter) FROM takings`+q.String(), q.args...).Scan(&newest); err != nil {
			return nil, fmt.Errorf("store: days of %s: %w", o.ID, err)
		}
		if !newest.Valid {
			return all, nil
		}
		at := time.UnixMilli(newest.Int64 * quarterMS).In(zone)
		from, to := time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, zone), time.Date(at.Year(), at.Month(), at.Day()+1, 0, 0, 0, 0, zone)
		machines, err := collect(ctx, s.r, func(r *sql.Rows) (m string, err error) { return m, r.Scan(&m) },
			`SELECT t.machine_id FROM takings t WHERE t.operator_id=?1 AND (?2='' OR t.machine_id=?2) AND t.quarter>=?3 AND t.quarter<?4 GROUP BY t.machine_id
				HAVING sum(t.sales)>0 OR EXISTS (SELECT 1 FROM record r WHERE r.machine_id=t.machine_id AND r.at>=?5 AND r.at<?6 AND `+ofLedger+`)
				OR t.machine_id='' AND EXISTS (SELECT 1 FROM record r WHERE r.operator_id=?1 AND r.machine_id IS NULL AND r.at>=?5 AND r.at<?6 AND `+ofLedger+`) ORDER BY 1`,
			o.ID, machine, from.UnixMilli()/quarterMS, to.UnixMilli()/quarterMS, from.UnixMilli(), to.UnixMilli())
		if err != nil {
			return nil, err
		}
		day := from.Format(time.DateOnly)
		for _, m := range machines {
			if day != until || o.ID+"/"+m > after {
				all = append(all, contract.LedgerDay{Operator: o.ID, Machine: m, Day: day, Zone: o.Zone})
			}
		}
		end = from.UnixMilli() / quarterMS
	}
	return all, nil
}

// daySale is a sale of a day while it is read.
type daySale struct {
	ledger.Sale
	kind   wire.RecordKind
	fate   Fate
	reason string
}

// fillDay counts one machine and day.
func (s *Store) fillDay(ctx context.Context, v *contract.LedgerDay) error {
	zone := zoneOf(v.Zone)
	d, err := time.Parse(time.DateOnly, v.Day)
	if err != nil {
		return err
	}
	from, to := time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, zone).UnixMilli(), time.Date(d.Year(), d.Month(), d.Day()+1, 0, 0, 0, 0, zone).UnixMilli()
	who, err := s.whoOf(ctx, v.Machine)
	if err != nil {
		return err
	}
	where, args := `r.machine_id=? AND r.at>=? AND r.at<?`, []any{v.Machine, from, to}
	if v.Machine == "" {
		where, args = `r.operator_id=? AND r.machine_id IS NULL AND r.at>=? AND r.at<?`, []any{v.Operator, from, to}
	}
	sales := map[int64]*daySale{}
	var order []int64
	if _, err = collect(ctx, s.r, func(r *sql.Rows) (struct{}, error) {
		var id int64
		var body []byte
		var x daySale
		if err := r.Scan(&id, &x.kind, &x.fate, &x.reason, &x.Amount, &x.At, &body); err != nil {
			return struct{}{}, err
		}
		sales[id] = &x
		order = append(order, id)
		return struct{}{}, x.read(body, who)
	}, `SELECT r.id, r.kind, r.fate, r.reason, r.amount, r.at, r.body FROM record r WHERE `+where+` AND `+ofLedger, args...); err != nil {
		return fmt.Errorf("store: sales of %s on %s: %w", v.Machine, v.Day, err)
	}
	if _, err = collect(ctx, s.r, func(r *sql.Rows) (struct{}, error) {
		var id int64
		var purpose, state, reason string
		var amount int64
		if err := r.Scan(&id, &purpose, &state, &reason, &amount); err != nil {
			return struct{}{}, err
		}
		if x := sales[id]; x != nil {
			m := ledger.Made{Stage: stageOf(state), Reason: reason, Amount: amount}
			if purpose == PurposeRefund {
				x.Refunds = append(x.Refunds, m)
			} else {
				x.Made = append(x.Made, m)
			}
		}
		return struct{}{}, nil
	}, `SELECT r.id, j.purpose, j.state, j.reason, coalesce(t.amount, j.amount) FROM record r
			JOIN job j ON j.origin_kind='record' AND j.origin_id = r.agent_id || '/' || r.journal_id || '/' || CAST(r.seq AS TEXT)
			LEFT JOIN receipt t ON t.job_id=j.id WHERE `+where, args...); err != nil {
		return fmt.Errorf("store: jobs of %s on %s: %w", v.Machine, v.Day, err)
	}
	var all []ledger.Sale
	for _, id := range order {
		all = append(all, sales[id].Sale)
	}
	v.Outcome, v.Parties = string(ledger.Agree), []contract.LedgerParty{}
	for _, day := range ledger.Days(all) {
		v.Parties = append(v.Parties, partyView(day))
		if day.Outcome == ledger.Differ {
			v.Outcome = string(ledger.Differ)
		}
	}
	return nil
}

// read takes the parts out of a record's body and says what no job tells.
func (x *daySale) read(body []byte, who func(source string, at int64) ledger.Party) error {
	var r wire.Record
	if err := json.Unmarshal(body, &r); err != nil {
		return fmt.Errorf("a record of the day: %w", err)
	}
	sale := r.Sale
	if sale == nil && r.Incident != nil {
		sale = r.Incident.Sale
	}
	if sale != nil {
		x.Unpriced = !inKopecks(sale.Amount)
		for _, p := range sale.Parts {
			if x.Unpriced {
				p.Minor = 0
			}
			x.Parts = append(x.Parts, ledger.Part{Party: who(p.Source, x.At), Minor: p.Minor})
		}
	}
	x.Reason = x.reason
	switch x.fate {
	case FateHeld:
		x.Stage = ledger.Held
	case FateNote:
		x.Stage, x.Reason = ledger.Held, Unexplained
	case FateNone:
		x.Stage = ledger.Void
		if x.reason == NoneTerminal || x.reason == NoneNotSubject {
			x.Stage = ledger.Other
		}
	case FateJob:
		x.Stage = ledger.Other // its jobs tell
	}
	return nil
}

func stageOf(state string) ledger.Stage {
	switch state {
	case JobDone:
		return ledger.Done
	case JobHeld:
		return ledger.Held
	case JobVoid:
		return ledger.Void
	}
	return ledger.Way
}

// whoOf gives who fiscalizes a source of a machine at a time.
func (s *Store) whoOf(ctx context.Context, machine string) (func(source string, at int64) ledger.Party, error) {
	type dated struct {
		from int64
		who  string
	}
	facts := map[string][]dated{}
	_, err := collect(ctx, s.r, func(r *sql.Rows) (struct{}, error) {
		var source string
		var d dated
		err := r.Scan(&source, &d.from, &d.who)
		facts[source] = append(facts[source], d)
		return struct{}{}, err
	}, `SELECT source, valid_from, who FROM fiscalizer WHERE machine_id=? ORDER BY source, valid_from`, machine)
	return func(source string, at int64) ledger.Party {
		party := ledger.Nobody
		for _, d := range facts[source] {
			if d.from > at {
				break
			}
			party = ledger.Party(d.who)
		}
		return party
	}, err
}

func partyView(d ledger.Day) contract.LedgerParty {
	figure := func(f ledger.Figure) contract.LedgerFigure { return contract.LedgerFigure{Count: f.Count, Sum: f.Sum} }
	reasons := func(all []ledger.Reasoned) []contract.LedgerReason {
		out := []contract.LedgerReason{}
		for _, r := range all {
			out = append(out, contract.LedgerReason{Reason: r.Reason, Count: r.Count, Sum: r.Sum})
		}
		return out
	}
	v := contract.LedgerParty{Party: string(d.Party), Sales: figure(d.Sales), Unpriced: d.Unpriced, Receipts: figure(d.Receipts), Way: figure(d.Way),
		Held: reasons(d.Held), Void: reasons(d.Void), Refunds: figure(d.Refunds), Refunding: figure(d.Refunding), Outcome: string(d.Outcome)}
	if d.Oldest != 0 {
		v.OldestAt = instant(d.Oldest)
	}
	if d.Difference != nil {
		f := figure(*d.Difference)
		v.Difference = &f
	}
	return v
}
