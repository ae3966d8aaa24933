package listen

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/chekomat/chekomat/agent/clock"
	"github.com/chekomat/chekomat/agent/journal"
	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/module"
	"github.com/chekomat/chekomat/mdb/sales"
)

// loop gives the words of a capture again and again, later each time, as a
// module does: about 100 ms of a saturated bus in a chunk.
type loop struct {
	words []mdb.Word
	span  int64
	left  int
	at    int
	base  int64
	buf   []mdb.Word
	seq   uint64
}

func (l *loop) Fidelity() module.Fidelity {
	return module.Fidelity{ModeBits: true, Checksums: true, Times: true, BothLines: true}
}
func (l *loop) Close() error { return nil }

func (l *loop) Read(context.Context) (module.Chunk, error) {
	if l.left <= 0 {
		return module.Chunk{}, io.EOF
	}
	if l.at == len(l.words) {
		l.at, l.base = 0, l.base+l.span
	}
	n := min(174, len(l.words)-l.at, l.left) // 2 lines × 9600 baud / 11 bits × 100 ms
	l.buf = l.buf[:0]
	for _, w := range l.words[l.at : l.at+n] {
		w.T += l.base
		l.buf = append(l.buf, w)
	}
	l.at += n
	l.left -= n
	l.seq += uint64(n)
	return module.Chunk{Words: l.buf, Now: l.buf[n-1].T, Next: module.Cursor{Boot: 1, Seq: l.seq}}, nil
}

// BenchmarkFeed is the agent's whole way from words to the journal on disk,
// sales included. A saturated bus of two lines gives 1 745 words/s.
func BenchmarkFeed(b *testing.B) {
	src, err := module.Open(b.Context(), capture(b, "matedealer-20120710-c.words.csv"), module.Cursor{}, module.Options{})
	if err != nil {
		b.Fatal(err)
	}
	l := &loop{}
	for {
		c, err := src.Read(b.Context())
		l.words = append(l.words, slices.Clone(c.Words)...)
		if err != nil {
			break
		}
	}
	l.span = l.words[len(l.words)-1].T + 1_000_000
	j, err := journal.Open(b.TempDir(), clock.System())
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	b.ReportAllocs()
	l.left = b.N
	lis, err := New(Config{URL: "loop", Log: j, Clock: clock.System(), Terms: func() Terms { return Terms{Bus: "mdb"} },
		Audience: &crowd{}, ExitAtEnd: true, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		New:  func(f module.Fidelity) Recovery { return sales.New(sales.ForSource(f)) },
		Open: func(context.Context, module.Cursor) (module.Source, error) { return l, nil }})
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	start := time.Now()
	if err := lis.Run(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "words/s")
	h, err := j.Heads()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(h.Head), "records")
}
