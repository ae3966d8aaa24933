package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/hub/api/contract"
)

// ErrNoAgent says that nobody sits in a machine to be asked.
var ErrNoAgent = errors.New("no agent is in the machine")

// flightsMost of one agent are kept; the oldest go.
const flightsMost = 200

// AskFlight notes what the agents of a machine are asked for; who publishes it
// finds it by FlightsAsked. operator "" is the installation.
func (s *Store) AskFlight(ctx context.Context, operator, machine string, args wire.TraceArgs, patience time.Duration, actor string) ([]contract.FlightAsked, error) {
	if _, err := s.machineOwner(ctx, operator, machine); err != nil {
		return nil, err
	}
	agents, err := s.AgentsOf(ctx, machine)
	if err != nil {
		return nil, err
	}
	if len(agents) == 0 {
		return nil, fmt.Errorf("store: machine %s: %w", machine, ErrNoAgent)
	}
	body, err := json.Marshal(args)
	if err != nil {
		return nil, fmt.Errorf("store: ask for a trace: %w", err)
	}
	now := s.Now()
	until := now + patience.Milliseconds()
	var out []contract.FlightAsked
	for _, a := range agents {
		out = append(out, contract.FlightAsked{ID: rand.Text(), Agent: a[1], Asked: instant(now), Expires: instant(until), State: "asked"})
	}
	err = s.Write(ctx, func(tx *sql.Tx) error {
		for i, a := range agents {
			if _, err := tx.Exec(`INSERT INTO flight_request(id,operator_id,agent_id,machine_id,args,actor,asked_at,expires_at,state) VALUES (?,?,?,?,?,?,?,?,'asked')`,
				out[i].ID, a[0], a[1], machine, body, actor, now, until); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("store: ask machine %s for a trace: %w", machine, err)
	}
	return out, nil
}

// FlightsAsked are the commands an agent has not answered and still may.
func (s *Store) FlightsAsked(ctx context.Context, operator, agent string) ([]wire.Command, error) {
	all, err := listOf(ctx, s.r, func(r *sql.Rows, c *wire.Command) error {
		var until int64
		var args []byte
		err := r.Scan(&c.ID, &args, &until)
		c.V, c.Kind, c.Args, c.Expires = wire.Version, wire.CommandTrace, args, instant(until)
		return err
	}, `SELECT id, args, expires_at FROM flight_request WHERE operator_id=? AND agent_id=? AND state='asked' AND expires_at>? ORDER BY asked_at LIMIT 20`,
		operator, agent, s.Now())
	if err != nil {
		return nil, fmt.Errorf("store: commands for %s/%s: %w", operator, agent, err)
	}
	return all, nil
}

// AskedHere lists the agents connected to this hub, as operator and agent, of
// whom something was asked that is not known to have been sent: through another
// hub.
func (s *Store) AskedHere(ctx context.Context, known func(id string) bool) ([][2]string, error) {
	type asked struct {
		id    string
		agent [2]string
	}
	all, err := listOf(ctx, s.r, func(r *sql.Rows, a *asked) error { return r.Scan(&a.id, &a.agent[0], &a.agent[1]) },
		`SELECT f.id, f.operator_id, f.agent_id FROM flight_request f JOIN agent_state a ON a.operator_id=f.operator_id AND a.agent_id=f.agent_id
		WHERE f.state='asked' AND f.expires_at>? AND a.online=1`+s.here(), s.Now())
	if err != nil {
		return nil, fmt.Errorf("store: commands for agents here: %w", err)
	}
	var agents [][2]string
	for _, a := range all {
		if !known(a.id) && !slices.Contains(agents, a.agent) {
			agents = append(agents, a.agent)
		}
	}
	return agents, nil
}

// NoteResults takes what an agent says of commands. Only its own count.
func (s *Store) NoteResults(ctx context.Context, operator, agent string, results []wire.Result) error {
	if len(results) == 0 {
		return nil
	}
	err := s.Write(ctx, func(tx *sql.Tx) error {
		for _, r := range results {
			state := "failed"
			if r.OK {
				state = "done"
			}
			if _, err := tx.Exec(`UPDATE flight_request SET state=?, detail=?, done_at=? WHERE id=? AND operator_id=? AND agent_id=? AND state='asked'`,
				state, cutTo(r.Detail, 1000), s.Now(), r.ID, operator, agent); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store: results of %s/%s: %w", operator, agent, err)
	}
	return nil
}

func cutTo(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}

// TakeFlight stores a trace of an agent; one that is there already stays. text
// is the length of what t.Gzip holds.
func (s *Store) TakeFlight(ctx context.Context, operator, agent string, t wire.Trace, text int64) error {
	err := s.Write(ctx, func(tx *sql.Tx) error {
		wall := t.Wall.UnixMilli()
		var machine sql.NullString
		err := tx.QueryRow(`SELECT machine_id FROM binding WHERE operator_id=? AND agent_id=? AND valid_from<=? ORDER BY valid_from DESC LIMIT 1`,
			operator, agent, wall).Scan(&machine)
		if errors.Is(err, sql.ErrNoRows) { // its clock was wrong, or it is new: where it sits now
			err = tx.QueryRow(`SELECT machine_id FROM binding WHERE operator_id=? AND agent_id=? AND valid_from<=? ORDER BY valid_from DESC LIMIT 1`,
				operator, agent, s.Now()).Scan(&machine)
		}
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if _, err := tx.Exec(`INSERT INTO flight(operator_id,agent_id,machine_id,name,wall,received_at,bytes,body) VALUES (?,?,?,?,?,?,?,?)
			ON CONFLICT(operator_id,agent_id,name) DO NOTHING`, operator, agent, machine, t.Name, wall, s.Now(), text, t.Gzip); err != nil {
			return err
		}
		_, err = tx.Exec(`DELETE FROM flight WHERE operator_id=?1 AND agent_id=?2
			AND id<=(SELECT id FROM flight WHERE operator_id=?1 AND agent_id=?2 ORDER BY id DESC LIMIT 1 OFFSET ?3)`,
			operator, agent, flightsMost)
		return err
	})
	if err != nil {
		return fmt.Errorf("store: trace %s of %s/%s: %w", t.Name, operator, agent, err)
	}
	return nil
}

// Flights lists what a machine's recorder has sent, newest first, and the
// newest requests.
func (s *Store) Flights(ctx context.Context, operator, machine string) (l contract.FlightList, err error) {
	if _, err = s.machineOwner(ctx, operator, machine); err != nil {
		return l, err
	}
	if l.Items, err = collect(ctx, s.r, func(r *sql.Rows) (f contract.Flight, err error) {
		var wall, received int64
		err = r.Scan(&f.ID, &f.Machine, &f.Agent, &f.Name, &wall, &received, &f.Bytes)
		f.Wall, f.Received = instant(wall), instant(received)
		return f, err
	}, `SELECT id, machine_id, agent_id, name, wall, received_at, bytes FROM flight WHERE machine_id=? ORDER BY id DESC LIMIT ?`, machine, flightsMost); err != nil {
		return l, err
	}
	now := s.Now()
	l.Asked, err = collect(ctx, s.r, func(r *sql.Rows) (f contract.FlightAsked, err error) {
		var asked, until int64
		err = r.Scan(&f.ID, &f.Agent, &asked, &until, &f.State, &f.Detail)
		f.Asked, f.Expires = instant(asked), instant(until)
		if f.State == "asked" && until <= now {
			f.State = "expired"
		}
		return f, err
	}, `SELECT id, agent_id, asked_at, expires_at, state, detail FROM flight_request WHERE machine_id=? ORDER BY asked_at DESC LIMIT 20`, machine)
	return l, err
}

// Flight gives a trace as it came: gzipped text. ErrNotFound for one of
// another operator, too.
func (s *Store) Flight(ctx context.Context, operator string, id int64) (name string, packed []byte, err error) {
	err = s.r.QueryRowContext(ctx, `SELECT name, body FROM flight WHERE id=?1 AND (?2='' OR operator_id=?2)`, id, operator).Scan(&name, &packed)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return "", nil, fmt.Errorf("store: trace %d: %w", id, err)
	}
	return name, packed, nil
}
