package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/hub/api/contract"
)

// slowReceipt is how long a sale may wait before its machine is called waiting, ms.
const slowReceipt = 60_000

// MachineFilter narrows the list of machines.
type MachineFilter struct {
	Operator, Seller, Serial string
	IDs                      []string // nil: all
}

// machineRow is one row of machineQuery.
type machineRow struct {
	m                         contract.Machine
	zone                      string // the operator's
	lastSale                  sql.NullInt64
	heldJobs, waiting, oldest int64
	waitReason                string
	agent                     sql.NullString
	online                    bool
	seen                      int64
	hello, state              string
	missing                   int64
}

// A machine whose first period is yet to come is shown with it.
const machineQuery = `SELECT x.*, coalesce(a.online,0), coalesce(a.seen_at,0), coalesce(a.hello,''), coalesce(a.state,''),
  (SELECT coalesce(sum(h.last-h.first+1),0) FROM hole h WHERE h.operator_id=x.operator AND h.agent_id=x.agent)
FROM (SELECT m.id, m.operator_id AS operator, o.zone, p.seller_id, sl.name, p.serial, p.address, p.place, p.zone,
  (SELECT count(*) FROM record WHERE machine_id=m.id AND fate='held'),
  (SELECT count(*) FROM job WHERE machine_id=m.id AND state='held' AND state <> 'done' AND state <> 'void'),
  (SELECT count(*) FROM job WHERE machine_id=m.id AND state<>'held' AND state <> 'done' AND state <> 'void'),
  (SELECT coalesce(min(sold_at),0) FROM job WHERE machine_id=m.id AND state<>'held' AND state <> 'done' AND state <> 'void'),
  coalesce((SELECT reason FROM job WHERE machine_id=m.id AND state<>'held' AND state <> 'done' AND state <> 'void' ORDER BY sold_at LIMIT 1),''),
  (SELECT last_sale FROM takings WHERE machine_id=m.id AND last_sale>0 ORDER BY quarter DESC LIMIT 1),
  (SELECT b.agent_id FROM binding b WHERE b.machine_id=m.id AND b.valid_from<=?1 AND NOT EXISTS
    (SELECT 1 FROM binding c WHERE c.operator_id=b.operator_id AND c.agent_id=b.agent_id AND c.valid_from>b.valid_from AND c.valid_from<=?1)
    ORDER BY b.valid_from DESC LIMIT 1) AS agent
  FROM machine m JOIN operator o ON o.id=m.operator_id
  JOIN machine_period p ON p.machine_id=m.id AND p.valid_from=coalesce(
    (SELECT max(valid_from) FROM machine_period WHERE machine_id=m.id AND valid_from<=?1), (SELECT min(valid_from) FROM machine_period WHERE machine_id=m.id))
  JOIN seller sl ON sl.id=p.seller_id`

const machineAgent = `) x LEFT JOIN agent_state a ON a.operator_id=x.operator AND a.agent_id=x.agent`

func scanMachine(r *sql.Rows) (v machineRow, err error) {
	m := &v.m
	err = r.Scan(&m.ID, &m.Operator, &v.zone, &m.Seller, &m.SellerName, &m.Serial, &m.Address, &m.Place, &m.Zone,
		&m.Held, &v.heldJobs, &v.waiting, &v.oldest, &v.waitReason, &v.lastSale, &v.agent,
		&v.online, &v.seen, &v.hello, &v.state, &v.missing)
	return v, err
}

// Machines lists machines by id and how each does.
func (s *Store) Machines(ctx context.Context, f MachineFilter, p Page) (contract.List[contract.Machine], error) {
	now := s.Now()
	q := filter{args: []any{now}}
	q.is("m.operator_id", f.Operator)
	q.is("p.seller_id", f.Seller)
	q.is("p.serial", f.Serial)
	if f.IDs != nil {
		places, ids := among(f.IDs)
		q.where("m.id IN "+places, ids...)
	}
	p.Asc = true
	order := q.afterText("m.id", p)
	rows, err := collect(ctx, s.r, scanMachine, machineQuery+q.String()+order+machineAgent+" ORDER BY x.id", q.args...)
	if err != nil {
		return contract.List[contract.Machine]{}, err
	}
	today := map[string]map[string]contract.Takings{}
	all := make([]contract.Machine, len(rows))
	for i, v := range rows {
		t, ok := today[v.m.Operator]
		if !ok {
			if t, err = s.todayByMachine(ctx, v.m.Operator, v.zone, f.IDs); err != nil {
				return contract.List[contract.Machine]{}, err
			}
			today[v.m.Operator] = t
		}
		all[i] = v.card(t[v.m.ID], now)
	}
	return page(all, p, func(m contract.Machine) string { return m.ID }), nil
}

func (v machineRow) card(today contract.Takings, now int64) contract.Machine {
	m := v.m
	m.Today, m.LastSaleAt = today, instant(v.lastSale.Int64)
	m.Held += v.heldJobs
	m.Waiting = v.waiting
	if v.agent.Valid {
		m.Agent = agentCard(v.agent.String, v.online, v.seen, v.hello, v.state, v.missing)
	}
	m.State, m.Reason = machineState(m, v.waiting > 0 && now-v.oldest > slowReceipt, v.waitReason)
	return m
}

func agentCard(id string, online bool, seen int64, hello, state string, missing int64) *contract.MachineAgent {
	a := &contract.MachineAgent{ID: id, Online: online, SeenAt: instant(seen), Missing: missing}
	var h wire.Hello
	if json.Unmarshal([]byte(hello), &h) == nil {
		a.Software = h.Software
	}
	var st wire.State
	if json.Unmarshal([]byte(state), &st) == nil && st.V > 0 {
		a.Screen, a.Reason, a.DisplayAlive = st.Screen, st.Reason, st.Display
		a.BusAlive, a.BusSource, a.QuietMS, a.BadChecksums = st.Bus.Alive, st.Bus.Source, st.Bus.QuietMS, st.Bus.BadSums
		a.Unacked, a.DiskFree = st.Unacked, st.DiskFree
	}
	return a
}

// machineState is the worst that is true of a machine.
func machineState(m contract.Machine, slow bool, waitReason string) (state, reason string) {
	a := m.Agent
	switch {
	case a == nil:
		return contract.MachineNoAgent, ""
	case !a.Online:
		return contract.MachineSilent, "agent_silent"
	case a.Screen == "out_of_service":
		return contract.MachineStopped, a.Reason
	case a.Screen != "" && !a.DisplayAlive:
		return contract.MachineDisplayDead, "display_dead"
	case m.Held > 0:
		return contract.MachineHeld, "sale_held"
	case slow:
		return contract.MachineWaiting, waitReason
	}
	return contract.MachineOK, ""
}

// machineOwner is the operator of a machine the caller may see.
func (s *Store) machineOwner(ctx context.Context, operator, id string) (owner string, err error) {
	err = s.r.QueryRowContext(ctx, `SELECT operator_id FROM machine WHERE id=?1 AND (?2='' OR operator_id=?2)`, id, operator).Scan(&owner)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return "", fmt.Errorf("store: machine %s: %w", id, err)
	}
	return owner, nil
}

// Machine reads one with all its facts.
func (s *Store) Machine(ctx context.Context, operator, id string) (d contract.MachineDetail, err error) {
	if _, err = s.machineOwner(ctx, operator, id); err != nil {
		return d, err
	}
	l, err := s.Machines(ctx, MachineFilter{IDs: []string{id}}, Page{Limit: 1})
	if err != nil {
		return d, err
	}
	if len(l.Items) == 0 {
		return d, fmt.Errorf("store: machine %s has no period: %w", id, ErrNotFound)
	}
	d.Machine = l.Items[0]
	if d.Periods, err = collect(ctx, s.r, func(r *sql.Rows) (p contract.MachinePeriod, err error) {
		var from int64
		err = r.Scan(&from, &p.Seller, &p.Serial, &p.Address, &p.Place, &p.Zone)
		p.ValidFrom = instant(from)
		return p, err
	}, `SELECT valid_from,seller_id,serial,address,place,zone FROM machine_period WHERE machine_id=? ORDER BY valid_from DESC`, id); err != nil {
		return d, err
	}
	d.Rule = DefaultRule
	err = s.r.QueryRowContext(ctx, `SELECT stop_after_m,need_display,show_sec,currency,lang FROM machine_rule WHERE machine_id=?`, id).
		Scan(&d.Rule.StopAfterMin, &d.Rule.NeedDisplay, &d.Rule.ShowSec, &d.Rule.Currency, &d.Rule.Lang)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return d, fmt.Errorf("store: rule of machine %s: %w", id, err)
	}
	if d.Fiscalizers, err = collect(ctx, s.r, func(r *sql.Rows) (f contract.Fiscalizer, err error) {
		var from int64
		err = r.Scan(&f.Source, &from, &f.Who, &f.Reason, &f.Advance)
		f.ValidFrom = instant(from)
		return f, err
	}, `SELECT source,valid_from,who,reason,advance FROM fiscalizer WHERE machine_id=? ORDER BY source, valid_from DESC`, id); err != nil {
		return d, err
	}
	d.Columns, err = collect(ctx, s.r, columnRow, planAt, id, s.Now())
	return d, err
}
