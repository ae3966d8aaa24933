package uplink

import (
	"slices"

	"github.com/chekomat/chekomat/agent/journal"
	"github.com/chekomat/chekomat/agent/wire"
)

// window holds which records were sent in this connection and when.
//
// An ack speaks of numbers, not of contents. A journal restored from a backup
// or cloned holds numbers the hub knows with other content, so an ack settles
// only what was sent in this connection. And what the hub already had when the
// connection began, or what belongs to an older journal, is doubtful: it is
// sent alone in its journal, so that the next ack is the answer to it and
// names it if it was refused.
type window struct {
	size     int   // undelivered records sent ahead of the hub's word
	patience int64 // ms until a record is sent again without being asked for
	recent   int64 // ms within which "missing" only means it has not come yet
	sent     map[journal.Key]shot

	epoch int64        // the newest journal
	had   int64        // what the hub had of it when it answered hello, save
	holes []wire.Range // these
}

type shot struct {
	at    int64 // ms
	tries int
}

func newWindow(size int, patience int64) *window {
	return &window{size: size, patience: patience, recent: patience / 6, sent: map[journal.Key]shot{}}
}

// greeted notes what the hub had when it answered the hello of a journal.
func (w *window) greeted(epoch, had int64, holes []wire.Range) {
	w.epoch, w.had, w.holes = epoch, had, holes
}

func (w *window) doubtful(k journal.Key) bool {
	if w.epoch == 0 {
		return false // the hub does not answer hellos: there is nothing to go by
	}
	return k.Epoch < w.epoch || k.Epoch == w.epoch && k.Seq <= w.had && !within(w.holes, k.Seq)
}

func within(rs []wire.Range, seq int64) bool {
	return slices.ContainsFunc(rs, func(r wire.Range) bool { return r[0] <= seq && seq <= r[1] })
}

// wanted tells which records to send now: the newest first, for its buyer may
// be at the machine, then the backlog in order. open are the first undelivered
// records, at most size; newest are those young enough to overtake.
func (w *window) wanted(now int64, open, newest []journal.Key) (out []journal.Key) {
	outOf := map[int64]int{} // records out, by journal
	for k := range w.sent {
		outOf[k.Epoch]++
	}
	alone := map[int64]bool{} // journals with doubtful records still to settle
	for _, k := range open {
		alone[k.Epoch] = alone[k.Epoch] || w.doubtful(k)
	}
	for _, keys := range [2][]journal.Key{newest, open} {
		for _, k := range keys {
			s, was := w.sent[k]
			if was && now-s.at < w.wait(s) {
				continue
			}
			if !was && alone[k.Epoch] && (outOf[k.Epoch] > 0 || !w.doubtful(k)) {
				continue
			}
			if !was {
				outOf[k.Epoch]++
			}
			out = append(out, k)
			w.sent[k] = shot{now, s.tries + 1}
		}
	}
	return out
}

func (w *window) wait(s shot) int64 { return w.patience << min(max(s.tries-1, 0), 4) }

// missed makes a record be sent again unless it has only just gone out.
func (w *window) missed(now int64, k journal.Key) {
	if s, ok := w.sent[k]; ok && now-s.at >= w.recent {
		s.at = now - w.wait(s)
		w.sent[k] = s
	}
}

// due is when the next record is to be sent again; ok is false when none is out.
func (w *window) due() (at int64, ok bool) {
	for _, s := range w.sent {
		if t := s.at + w.wait(s); !ok || t < at {
			at, ok = t, true
		}
	}
	return at, ok
}

// unsettled holds records back that the hub has spoken on when that could not
// be noted: they are sent again, but not at once.
func (w *window) unsettled(now int64, s journal.Settlement) {
	hold := func(seq int64) { w.sent[journal.Key{Epoch: s.Epoch, Seq: seq}] = shot{at: now, tries: 1} }
	for _, seq := range s.Stored {
		hold(seq)
	}
	for _, r := range s.Refused {
		hold(r.Seq)
	}
}

func (w *window) settled(k journal.Key) { delete(w.sent, k) }
