package decode

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/chekomat/chekomat/mdb/module"
	"github.com/chekomat/chekomat/mdb/trace"
	"github.com/chekomat/chekomat/mdb/vectors"
)

// Source is a source of words; one of a file of several has a name.
type Source struct {
	Name string
	module.Source
	header *trace.Header
}

// Header implements module.Headed.
func (s Source) Header() (trace.Header, bool) {
	if s.header != nil {
		return *s.header, true
	}
	if h, ok := s.Source.(module.Headed); ok {
		return h.Header()
	}
	return trace.Header{}, false
}

// Open opens what is at an address: anything module.Open knows, or the dialogues
// of a file of vectors (*.jsonl), of which FILE.jsonl#NAME is one.
func Open(ctx context.Context, address string, opts module.Options) ([]Source, error) {
	path, name, _ := strings.Cut(strings.TrimPrefix(address, "file://"), "#")
	if !strings.HasSuffix(strings.ToLower(path), ".jsonl") {
		s, err := module.Open(ctx, address, module.Cursor{}, opts)
		if err != nil {
			return nil, err
		}
		return []Source{{Source: s}}, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open vectors: %w", err)
	}
	defer f.Close()
	var all []Source
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 8<<20)
	for n := 1; sc.Scan(); n++ {
		if len(bytes.TrimSpace(sc.Bytes())) == 0 {
			continue
		}
		d, ok, err := vectors.DialogueOf(sc.Bytes())
		if err != nil {
			return nil, fmt.Errorf("read vectors %s line %d: %w", path, n, err)
		}
		if ok && (name == "" || name == d.Name) {
			all = append(all, Source{d.Name, &said{Dialogue: d}, &d.Header})
		}
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("read vectors %s: %w", path, err)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("read vectors %s: there is no dialogue %q in it", path, name)
	}
	return all, nil
}

// said gives the words of a vector, then the silence after them.
type said struct {
	vectors.Dialogue
	reads int
}

func (s *said) Fidelity() module.Fidelity {
	return module.Fidelity{ModeBits: true, Checksums: true, Times: true, BothLines: true}
}

func (s *said) Read(context.Context) (module.Chunk, error) {
	c := module.Chunk{Next: module.Cursor{Seq: uint64(len(s.Words))}}
	s.reads++
	switch s.reads {
	case 1:
		c.Words = s.Words
		if n := len(s.Words); n > 0 {
			c.Now = s.Words[n-1].T
		}
	case 2:
		c.Now = s.End
	default:
		return c, io.EOF
	}
	return c, nil
}

func (s *said) Close() error { return nil }
