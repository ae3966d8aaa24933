package vends

import (
	"errors"
	"fmt"
	"slices"

	"github.com/chekomat/chekomat/mdb/checkpoint"
	"github.com/chekomat/chekomat/mdb/exe"
)

// Version of the checkpoint's form, apart from that of MDB recovery: Restore
// refuses the other bus's state too.
const checkpointVersion = 0xE1

// ErrVersion is what Restore gives for a checkpoint of another version.
var ErrVersion = errors.New("checkpoint of another version")

// Checkpoint gives everything that a restart needs to go on at the next word.
// It does not hold the configuration.
func (r *Recovery) Checkpoint() []byte {
	w := checkpoint.Writer([]byte{checkpointVersion})
	r.walk(w)
	return w.Bytes()
}

// Restore takes the state of a checkpoint. On an error r is as it was.
func (r *Recovery) Restore(b []byte) error {
	if len(b) == 0 || b[0] != checkpointVersion {
		return fmt.Errorf("restore recovery of EXE vends: %w", ErrVersion)
	}
	n := New(r.cfg)
	w := checkpoint.Reader(b[1:])
	n.walk(w)
	if err := w.Done(); err != nil {
		return fmt.Errorf("restore recovery of EXE vends: %w", err)
	}
	*r = *n
	return nil
}

func (r *Recovery) walk(w *checkpoint.Walk) {
	r.l.walk(w)
	w.Bool(&r.held, &r.late, &r.oddTold)
	checkpoint.Int(w, &r.until)
	checkpoint.Int(w, &r.sales)
	checkpoint.Int(w, &r.incidents)
	if r.held {
		r.outcome.walk(w)
	}
}

func (l *Listener) walk(w *checkpoint.Walk) {
	l.pairs.Walk(w)
	l.blocks.Walk(w)
	w.Bool(&l.fresh, &l.free, &l.selection, &l.stale, &l.suspect)
	for _, p := range []*uint64{&l.stats.Words, &l.stats.Foreign, &l.stats.Pairs, &l.stats.Blocks, &l.stats.Parity,
		&l.stats.Suspects, &l.stats.Anomalies, &l.stats.Lost, &l.n} {
		checkpoint.Int(w, p)
	}
	for _, p := range []*int64{&l.now, &l.deadline, &l.credit, &l.before, &l.mid, &l.last, &l.vendT, &l.soldAt} {
		checkpoint.Int(w, p)
	}
	for _, p := range []*uint8{(*uint8)(&l.doubts), &l.crossed, &l.scale, &l.decimals, &l.line, &l.shown, (*uint8)(&l.vend), (*uint8)(&l.watch)} {
		checkpoint.Int(w, p)
	}
	checkpoint.String(w, &l.state)
	if w.Reading() {
		l.sane()
	}
	if l.watch != notWatching {
		l.watched.walk(w)
	}
}

// sane bounds what a damaged checkpoint may hold.
func (l *Listener) sane() {
	if !slices.Contains([]State{Down, Inhibited, Ready, Chosen}, l.state) {
		l.state = Down
	}
	if l.scale == 0 || l.decimals > 3 {
		l.scale, l.decimals = l.cfg.Scale, l.cfg.Decimals
	}
	l.vend = min(l.vend, refused)
	l.watch = min(l.watch, forPrice)
	if p, open := l.pairs.Open(); l.vend == asked && (!open || p.Master != exe.Vend.Byte()) {
		l.vend = notVending
	}
}

func (o *Outcome) walk(w *checkpoint.Walk) {
	checkpoint.String(w, &o.Kind)
	checkpoint.String(w, &o.Source)
	checkpoint.String(w, &o.Hint)
	checkpoint.String(w, &o.Evidence)
	w.Bool(&o.LineKnown, &o.Answered)
	for _, p := range []*int64{&o.T, &o.VendT, &o.Price, &o.Listed, &o.Before, &o.Mid} {
		checkpoint.Int(w, p)
	}
	for _, p := range []*uint8{&o.Line, &o.Units, &o.Scale, &o.Decimals, (*uint8)(&o.Doubts), &o.Answer} {
		checkpoint.Int(w, p)
	}
	checkpoint.Int(w, &o.Flags)
	checkpoint.Int(w, &o.N)
	if w.Reading() && o.Decimals > 3 {
		o.Decimals = 0
	}
}
