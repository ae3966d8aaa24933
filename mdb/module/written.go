package module

import (
	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/trace"
)

// Headed is what a source may offer besides: what a written trace says of
// itself. ok is false for a source that says nothing.
type Headed interface {
	Header() (h trace.Header, ok bool)
}

// traceReader reads *.trace, the form of package trace.
type traceReader struct {
	p     trace.Parser
	timer trace.Timer
	lost  string
	is    bool // lost was said and not asked for yet
}

func (r *traceReader) fidelity() Fidelity {
	f := r.p.Header().Fidelity
	return Fidelity{ModeBits: f.ModeBits, Checksums: f.Checksums, Times: f.Times, BothLines: f.BothLines}
}

func (r *traceReader) rest(dst []mdb.Word) []mdb.Word { return dst }

func (r *traceReader) words(dst []mdb.Word, line string) ([]mdb.Word, error) {
	it, err := r.p.Line(line)
	if err != nil {
		return dst, err
	}
	if it.Kind == trace.Lost {
		r.lost, r.is = it.Text, true
	}
	r.timer.Fidelity = r.p.Header().Fidelity
	return r.timer.Item(dst, &it), nil
}

func (r *traceReader) gap() (note string, is bool) {
	is, r.is = r.is, false
	return r.lost, is
}

func (r *traceReader) silent() int64 { return r.timer.Now() }

// Header implements Headed.
func (s *fileSource) Header() (trace.Header, bool) {
	r, ok := s.read.(*traceReader)
	if !ok {
		return trace.Header{}, false
	}
	return r.p.Header(), true
}
