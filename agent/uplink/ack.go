package uplink

import (
	"fmt"
	"slices"

	"github.com/chekomat/chekomat/agent/journal"
	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/fault"
)

// verdict is what an ack means for the records sent in this connection.
type verdict struct {
	journal.Settlement
	alien    []wire.Refusal // refused because another device wrote under our numbers
	overrun  bool           // the hub has records this file never held
	answered bool           // it answers this connection's hello
}

// judge reads an ack. head is the last number of its journal in this file.
func judge(a wire.Ack, epoch, head int64, session string, w *window, now int64) verdict {
	v := verdict{Settlement: journal.Settlement{Epoch: epoch}, overrun: a.Upto > head,
		answered: a.Session != "" && a.Session == session}
	refused := map[int64]string{}
	for _, r := range a.Refused {
		refused[r.Seq] = r.Code
	}
	for k := range w.sent {
		if k.Epoch != epoch {
			continue
		}
		code, no := refused[k.Seq]
		switch {
		case no:
			v.Refused = append(v.Refused, wire.Refusal{Seq: k.Seq, Code: code})
			if code == wire.RefusedConflict || code == wire.RefusedForeign {
				v.alien = append(v.alien, wire.Refusal{Seq: k.Seq, Code: code})
			}
		case within(a.Missing, k.Seq):
			w.missed(now, k)
			continue
		case k.Seq <= a.Upto && (a.Session == "" || !w.doubtful(k)):
			v.Stored = append(v.Stored, k.Seq)
		default:
			continue
		}
		w.settled(k)
	}
	slices.Sort(v.Stored)
	v.Lost = slices.Clone(a.Missing)
	if v.answered && a.Upto < head {
		// Only the answer to a hello tells of what was before this connection;
		// later acks may cross on their way.
		v.Lost = append(v.Lost, wire.Range{a.Upto + 1, head})
	}
	return v
}

// ack settles what the hub has and turns to a new journal where the old one's
// numbers are no longer ours alone.
func (u *Uplink) ack(a wire.Ack) error {
	fault.Point("uplink.afterAck")
	epoch, head, err := u.cfg.Journal.EpochOf(a.Journal)
	if err != nil {
		return err
	}
	if epoch == 0 {
		u.cfg.Logger.Warn("an ack for a journal that is not here", "journal", a.Journal)
		return nil
	}
	v := judge(a, epoch, head, u.session, u.win, u.now())
	if len(v.Stored)+len(v.Refused)+len(v.Lost) > 0 {
		err := u.cfg.Journal.Settle(v.Settlement)
		if journal.Unwritable(err) {
			u.win.unsettled(u.now(), v.Settlement)
		}
		if err := u.unlessFull(err); err != nil {
			return err
		}
		fault.Point("uplink.afterSettle")
	}
	if v.answered {
		u.win.greeted(epoch, a.Upto, a.Missing)
		u.greet(true)
	}
	switch h, err := u.cfg.Journal.Heads(); {
	case err != nil:
		return err
	case h.Epoch == epoch && v.overrun:
		return u.begin(journal.WhyRestored, fmt.Sprintf("journal %s ends at %d, the hub has %d", a.Journal, head, a.Upto))
	case h.Epoch == epoch && len(v.alien) > 0 && !u.turned:
		u.turned = true // once a run: a hub that refuses every journal must not fill the disk with them
		return u.begin(journal.WhyConflict, fmt.Sprintf("journal %s: %d records refused, first %d: %s; they are in the hub's quarantine",
			a.Journal, len(v.alien), v.alien[0].Seq, v.alien[0].Code))
	}
	return nil
}

// begin starts a new journal and tells the hub of it.
func (u *Uplink) begin(why, detail string) error {
	id, err := u.cfg.Journal.Begin(why, detail)
	if err != nil {
		return err
	}
	u.cfg.Logger.Warn("a new journal begins", "why", why, "journal", id, "detail", detail)
	return u.hello()
}
