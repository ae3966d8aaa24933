package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/chekomat/chekomat/agent/wire"
)

// NewSecret makes an agent's password: 32 random bytes, URL-safe text.
func NewSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// HashSecret is what agent.secret_hash keeps. Secrets are random, not chosen
// by people, so a fast hash is enough and a whole fleet can reconnect at once.
func HashSecret(secret string) string {
	h := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(h[:])
}

// Authenticate reports whether secret is the agent's and the agent is not
// revoked. The error is of the database alone.
func (s *Store) Authenticate(ctx context.Context, operator, agent, secret string) (bool, error) {
	var hash string
	err := s.r.QueryRowContext(ctx, `SELECT secret_hash FROM agent WHERE operator_id=? AND id=? AND revoked_at IS NULL`,
		operator, agent).Scan(&hash)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("store: credentials of %s/%s: %w", operator, agent, err)
	}
	return subtle.ConstantTimeCompare([]byte(hash), []byte(HashSecret(secret))) == 1, nil
}

// Greeted is what the hub knows after a hello.
type Greeted struct {
	Ack    wire.Ack
	Config wire.Config
	Owed   []wire.Receipt // of the sales the agent waits for, as far as they are here
}

// Greet takes a hello in: it notes the session, finds journals that went back
// in time or come from two devices, and gives all that is owed.
func (s *Store) Greet(ctx context.Context, operator, agent string, h wire.Hello) (Greeted, error) {
	var g Greeted
	body, err := json.Marshal(h)
	if err != nil {
		return g, fmt.Errorf("store: hello of %s/%s: %w", operator, agent, err)
	}
	err = s.write(ctx, true, func(tx *sql.Tx) error {
		g = Greeted{}
		now := s.Now()
		if _, err := tx.Exec(`INSERT INTO agent_state(operator_id,agent_id,session,online,seen_at,hello,hub,secret_hash)
			VALUES (?1,?2,?3,1,?4,?5,?6,coalesce((SELECT secret_hash FROM agent WHERE operator_id=?1 AND id=?2),''))
			ON CONFLICT(operator_id,agent_id) DO UPDATE SET session=excluded.session, online=1, seen_at=excluded.seen_at, hello=excluded.hello,
			hub=excluded.hub, secret_hash=excluded.secret_hash`,
			operator, agent, h.Session, now, body, s.hub()); err != nil {
			return err
		}
		if _, err := s.Clear(tx, AboutAgent(operator, agent), AgentSilent); err != nil {
			return err
		}
		j, err := s.openJournal(tx, operator, agent, h.Journal, now)
		if err != nil {
			return err
		}
		if j.foreign {
			g.Ack = wire.Ack{V: wire.Version, Journal: h.Journal, Session: h.Session}
		} else {
			if err := s.examine(tx, j, h, now); err != nil {
				return err
			}
			if err := j.save(tx, now); err != nil {
				return err
			}
			if g.Ack, err = j.ack(tx); err != nil {
				return err
			}
			g.Ack.Session = h.Session
			if g.Ack.Refused, err = j.refusals(tx, h.Oldest); err != nil {
				return err
			}
			if g.Owed, err = owedOf(tx, operator, agent, h.Journal, h.Waiting); err != nil {
				return err
			}
		}
		g.Config, _, err = s.snapshot(tx, operator, agent, now)
		return err
	})
	if err != nil {
		return g, fmt.Errorf("store: hello of %s/%s: %w", operator, agent, err)
	}
	return g, nil
}

// examine compares what the agent says of its journal with what is here
// (reliability: restored and cloned disks).
func (s *Store) examine(tx *sql.Tx, j *journal, h wire.Hello, now int64) error {
	about := AboutAgent(j.operator, j.agent)
	if h.Head < j.head {
		if _, err := s.Raise(tx, j.operator, about, JournalBehind, Alarm,
			fmt.Sprintf("journal %s ends at %d, the hub knows %d: restored or copied disk", j.id, h.Head, j.head)); err != nil {
			return err
		}
	} else if j.head = h.Head; j.fresh {
		if _, err := s.Clear(tx, about, JournalBehind); err != nil { // a new journal was begun, as it must
			return err
		}
	}
	if err := s.noteBoot(tx, j, h.Boot, now); err != nil {
		return err
	}
	if h.Oldest <= 1 {
		return nil
	}
	if h.Oldest > j.top+1 { // the head of the journal is no longer kept there
		if err := j.open(tx, j.top+1, h.Oldest-1, now); err != nil {
			return err
		}
		j.top = h.Oldest - 1
	}
	res, err := tx.Exec(`UPDATE hole SET gone=1 WHERE operator_id=? AND agent_id=? AND journal_id=? AND last<? AND gone=0`,
		j.operator, j.agent, j.id, h.Oldest)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err
	}
	j.stale = true
	_, err = s.Raise(tx, j.operator, about, RecordsGone, Alarm,
		fmt.Sprintf("journal %s: records before %d never came and the agent no longer keeps them", j.id, h.Oldest))
	return err
}

// noteBoot keeps the boots a journal was seen from, newest by ordinal. Boot
// ids are random per start of a kernel, so one that returns after another was
// seen means two devices hold the journal.
func (s *Store) noteBoot(tx *sql.Tx, j *journal, boot string, now int64) error {
	if boot == "" {
		return nil
	}
	var newest string
	var ordinal int64
	err := tx.QueryRow(`SELECT id, ordinal FROM boot WHERE operator_id=? AND agent_id=? AND journal_id=? ORDER BY ordinal DESC LIMIT 1`,
		j.operator, j.agent, j.id).Scan(&newest, &ordinal)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if boot == newest {
		return nil
	}
	var known bool
	if err := tx.QueryRow(`SELECT EXISTS(SELECT 1 FROM boot WHERE operator_id=? AND agent_id=? AND journal_id=? AND id=?)`,
		j.operator, j.agent, j.id, boot).Scan(&known); err != nil {
		return err
	}
	if known {
		if _, err := s.Raise(tx, j.operator, AboutAgent(j.operator, j.agent), JournalCloned, Alarm,
			fmt.Sprintf("journal %s comes from two devices in turn: boots %s and %s", j.id, newest, boot)); err != nil {
			return err
		}
	}
	_, err = tx.Exec(`INSERT INTO boot(operator_id,agent_id,journal_id,id,ordinal,seen_at) VALUES (?,?,?,?,?,?)
		ON CONFLICT(operator_id,agent_id,journal_id,id) DO UPDATE SET ordinal=excluded.ordinal, seen_at=excluded.seen_at`,
		j.operator, j.agent, j.id, boot, ordinal+1, now)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`DELETE FROM boot WHERE operator_id=? AND agent_id=? AND journal_id=? AND ordinal<=?`, j.operator, j.agent, j.id, ordinal-100)
	return err
}

// NoteState keeps an agent's last words. A will (Online false) is believed only
// of the current session: that of an old one must not darken the new one.
// taken says whether it was believed.
func (s *Store) NoteState(ctx context.Context, operator, agent string, st wire.State) (taken bool, err error) {
	body, err := json.Marshal(st)
	if err != nil {
		return false, fmt.Errorf("store: state of %s/%s: %w", operator, agent, err)
	}
	err = s.write(ctx, true, func(tx *sql.Tx) error {
		now := s.Now()
		taken = true
		if !st.Online {
			res, err := tx.Exec(`UPDATE agent_state SET online=0 WHERE operator_id=? AND agent_id=? AND session=?`, operator, agent, st.Session)
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			taken = n > 0
			return err
		}
		var hello string
		err := tx.QueryRow(`INSERT INTO agent_state(operator_id,agent_id,session,online,seen_at,state,hub) VALUES (?,?,?,1,?,?,?)
			ON CONFLICT(operator_id,agent_id) DO UPDATE SET session=excluded.session, online=1, seen_at=excluded.seen_at, state=excluded.state, hub=excluded.hub
			RETURNING hello`, operator, agent, st.Session, now, body, s.hub()).Scan(&hello)
		if err != nil {
			return err
		}
		if _, err = s.Clear(tx, AboutAgent(operator, agent), AgentSilent); err != nil {
			return err
		}
		var h wire.Hello
		if json.Unmarshal([]byte(hello), &h) == nil && h.Session == st.Session {
			if _, err = tx.Exec(`UPDATE journal SET head=?4 WHERE operator_id=?1 AND agent_id=?2 AND id=?3 AND head<?4`,
				operator, agent, h.Journal, st.Head); err != nil {
				return err
			}
		}
		return noteShown(tx, operator, agent, st.Shown, now)
	})
	if err != nil {
		return false, fmt.Errorf("store: state of %s/%s: %w", operator, agent, err)
	}
	return taken, nil
}

// noteShown keeps when receipts stood on the panel; "shown" wins over a reason
// why not, told before it.
func noteShown(tx *sql.Tx, operator, agent string, shown []wire.Shown, now int64) error {
	if len(shown) == 0 {
		return nil
	}
	// The live feed reads on from the newest: another hub's clock may be ahead.
	var newest int64
	if err := tx.QueryRow(`SELECT coalesce(max(told_at),0) FROM shown`).Scan(&newest); err != nil {
		return fmt.Errorf("newest shown receipt: %w", err)
	}
	now = max(now, newest)
	for _, sh := range shown {
		if _, err := tx.Exec(`INSERT INTO shown(job_id,result,after_ms,told_at)
			SELECT id,?,?,? FROM job WHERE operator_id=? AND origin_kind='record' AND origin_id=? AND purpose='receipt' AND ordinal=0
			ON CONFLICT(job_id) DO UPDATE SET result=excluded.result, after_ms=excluded.after_ms, told_at=excluded.told_at
			WHERE shown.result<>'shown' AND excluded.result='shown'`,
			sh.Result, sh.AfterMS, now, operator, originID(agent, sh.Journal, sh.Seq)); err != nil {
			return fmt.Errorf("shown %s/%d: %w", sh.Journal, sh.Seq, err)
		}
	}
	return nil
}

// NoteGone marks an agent offline whose connection to this hub ended.
func (s *Store) NoteGone(ctx context.Context, operator, agent string) error {
	err := s.write(ctx, true, func(tx *sql.Tx) error {
		_, err := tx.Exec(`UPDATE agent_state SET online=0 WHERE operator_id=? AND agent_id=?`+s.here(), operator, agent)
		return err
	})
	if err != nil {
		return fmt.Errorf("store: %s/%s went offline: %w", operator, agent, err)
	}
	return nil
}

// NoteAllGone marks every agent of this hub offline: a hub that starts has no
// session.
func (s *Store) NoteAllGone(ctx context.Context) error {
	err := s.write(ctx, true, func(tx *sql.Tx) error {
		_, err := tx.Exec(`UPDATE agent_state SET online=0 WHERE online=1` + s.here())
		return err
	})
	if err != nil {
		return fmt.Errorf("store: mark all agents offline: %w", err)
	}
	return nil
}
