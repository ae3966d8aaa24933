package exemachine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chekomat/chekomat/agent/clock"
	"github.com/chekomat/chekomat/agent/journal"
	"github.com/chekomat/chekomat/agent/listen"
	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/exe/vends"
	"github.com/chekomat/chekomat/mdb/module"
	"github.com/chekomat/chekomat/mdb/sales"
)

// tape gives words in chunks from a cursor on, and breaks now and then.
type tape struct {
	ws     []mdb.Word
	at     uint64
	chunk  func() int
	breaks func() bool
	end    int64
}

var errPulled = errors.New("the module was pulled out")

func (s *tape) Fidelity() module.Fidelity {
	return module.Fidelity{ModeBits: true, Checksums: true, Times: true, BothLines: true}
}
func (s *tape) Close() error { return nil }
func (s *tape) Read(context.Context) (module.Chunk, error) {
	left := s.ws[s.at:]
	if len(left) == 0 {
		return module.Chunk{}, io.EOF
	}
	if s.breaks() {
		return module.Chunk{}, errPulled
	}
	c := module.Chunk{Words: left[:min(s.chunk(), len(left))]}
	s.at += uint64(len(c.Words))
	c.Now, c.Next = c.Words[len(c.Words)-1].T, module.Cursor{Boot: 1, Seq: s.at}
	if s.at == uint64(len(s.ws)) {
		c.Now = s.end
	}
	return c, nil
}

// paper is a journal in memory.
type paper struct {
	mark    journal.Mark
	has     bool
	records []wire.Record
}

func (p *paper) Mark() (journal.Mark, bool, error) { return p.mark, p.has, nil }
func (p *paper) Append(es []journal.Entry, m *journal.Mark) (out []journal.Stored, err error) {
	for _, e := range es {
		r := e.Record
		r.Seq = int64(len(p.records) + 1)
		p.records = append(p.records, r)
		out = append(out, journal.Stored{Journal: "j", Seq: r.Seq, Record: r})
	}
	p.mark, p.has = *m, true
	return out, nil
}

type nobody struct{}

func (nobody) Activity(sales.Event)   {}
func (nobody) Written(journal.Stored) {}
func (nobody) Trouble(error)          {}
func (nobody) Listening(_, _ bool)    {}

// The agent's loop takes this bus as it takes MDB: whatever chunks the words
// come in, however often the module is pulled out or the agent starts anew from
// its journal, the records are what the machine counted, in kopecks.
func TestAgentJournalsWhatTheMachineCounted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg, v := kind(t)
		counted, ws, end := run(t, cfg, someOrders(t, cfg.Lines))
		log := &paper{}
		now := int64(0)
		size, dice := rapid.IntRange(1, 200), rapid.IntRange(0, 9)
		starts := rapid.IntRange(1, 4).Draw(t, "starts of the agent")
		for i := range starts {
			ctx, stop := context.WithCancel(context.Background())
			reads := 0
			l, err := listen.New(listen.Config{
				Open: func(_ context.Context, from module.Cursor) (module.Source, error) {
					return &tape{ws: ws, at: from.Seq, end: end, chunk: func() int { return size.Draw(t, "chunk") }, breaks: func() bool {
						if reads++; i < starts-1 && reads > 10 {
							stop()
							return true
						}
						return dice.Draw(t, "break") == 0
					}}, nil
				},
				New:      func(f module.Fidelity) listen.Recovery { return vends.New(v.ForSource(f)) },
				Log:      log,
				Clock:    clock.Func(func() clock.Reading { now++; return clock.Reading{Wall: time.UnixMilli(now), Boot: "b", MonoMS: now} }),
				Terms:    func() listen.Terms { return listen.Terms{Bus: "exe", Assume: listen.Rouble} },
				Audience: nobody{}, ExitAtEnd: true, SaveEvery: time.Millisecond,
				Wait:   func(context.Context, time.Duration) {},
				Logger: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := l.Run(ctx); err != nil {
				t.Fatal(err)
			}
			stop()
		}
		var got []string
		for _, r := range log.records {
			class, s := "", r.Sale
			if r.Incident != nil {
				s, class = r.Incident.Sale, "D"
			} else if s != nil {
				class = s.Class
			}
			if s == nil && r.Incident != nil && r.Incident.Code == vends.CodeUnknown {
				// Free goods in a machine that holds its prices: nothing to name.
				got = append(got, "incident D 0 of line ?")
				continue
			}
			if s == nil {
				t.Fatalf("a record beside the counted ones: %+v %+v", r, r.Incident)
			}
			line := "?"
			if s.ColKnown {
				line = fmt.Sprint(s.Column)
			}
			if !s.Amount.Known || s.Amount.Currency != listen.Rouble || s.Bus != "exe" {
				t.Fatalf("%+v", s)
			}
			got = append(got, fmt.Sprintf("%s %s %d of line %s", r.Kind, class, s.Amount.Minor, line))
		}
		if want := counts(counted, cfg.Standard); !slices.Equal(want, got) {
			t.Fatalf("counted   %q\njournaled %q", want, got)
		}
	})
}
