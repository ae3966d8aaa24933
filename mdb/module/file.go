package module

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/chekomat/chekomat/mdb"
)

// fileSource replays a trace file. Its clock starts at 0 with the capture; its
// cursor counts words.
type fileSource struct {
	f       *os.File
	sc      *bufio.Scanner
	read    lineReader
	path    string
	line    int
	next    Cursor
	skip    uint64
	buf     []mdb.Word
	ready   []mdb.Word // read ahead, not given yet
	limit   int
	speed   int64 // times the recorded pace; 0 is none
	started time.Time
	origin  int64
	now     int64
	done    bool
	ended   bool   // the silence at the end was told
	gaps    []hole // in ready
	broken  error  // a line that could not be read, told behind what came before it
}

// hole is where words are missing: before the word of that number.
type hole struct {
	seq  uint64
	note string
}

// telling is a lineReader that knows of more than words.
type telling interface {
	// gap tells once that words were lost at the line read last.
	gap() (note string, is bool)
	// silent is up to when nothing else was heard, µs.
	silent() int64
}

// lineReader turns a line of a trace into words appended to dst.
type lineReader interface {
	words(dst []mdb.Word, line string) ([]mdb.Word, error)
	// rest gives what silence at the end of the file completes.
	rest(dst []mdb.Word) []mdb.Word
	fidelity() Fidelity
}

// maxLine bounds a line of a trace.
const maxLine = 64 << 10

func openFile(path string, from Cursor, opts Options) (Source, error) {
	if form, ok := tableForm(path, opts); ok {
		return openTable(path, form, from, opts)
	}
	read, err := readerFor(path, opts.Format)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open trace: %w", err)
	}
	s := &fileSource{f: f, read: read, path: path, skip: from.Seq, limit: opts.ChunkWords, speed: int64(opts.Speed)}
	if s.limit <= 0 {
		s.limit = 4096
	}
	if s.speed > 0 {
		s.limit = min(s.limit, 64)
	}
	s.sc = bufio.NewScanner(f)
	s.sc.Buffer(make([]byte, 0, 4096), maxLine)
	if err := s.prime(); err != nil {
		f.Close()
		return nil, err
	}
	return s, nil
}

// Forms of trace files, as Options.Format names them.
const (
	FormTrace  = "trace"
	FormWords  = "words"
	FormBlocks = "blocks"
	FormQibixx = "qibixx"
	FormSaleae = "saleae" // a serial analyzer's table
	FormEdges  = "edges"  // digital edges of a logic analyzer
)

// FormOf gives the form a file name stands for, "" for none that is known.
func FormOf(path string) string {
	name := strings.ToLower(filepath.Base(path))
	switch {
	case strings.HasSuffix(name, ".trace"):
		return FormTrace
	case strings.HasSuffix(name, ".words.csv"):
		return FormWords
	case strings.HasSuffix(name, ".blocks.txt"):
		return FormBlocks
	case strings.HasSuffix(name, ".log"): // of the modules that write text only this one is known
		return FormQibixx
	}
	return ""
}

func readerFor(path, form string) (lineReader, error) {
	if form == "" {
		form = FormOf(path)
	}
	switch form {
	case FormTrace:
		return &traceReader{}, nil
	case FormWords:
		return &wordsReader{timed: true}, nil
	case FormBlocks:
		return &blocksReader{}, nil
	case FormQibixx:
		return &qibixxReader{}, nil
	}
	return nil, fmt.Errorf("open trace %s: unknown form %q (known: *.trace, *.words.csv, *.blocks.txt, *.log of Qibixx, *.csv of Saleae Logic)", path, form)
}

// prime reads up to the first words, so that the fidelity is known, and to the
// position wanted.
func (s *fileSource) prime() error {
	for len(s.ready) == 0 && !s.done {
		if err := s.fill(); err != nil {
			return err
		}
	}
	return nil
}

// fill reads lines until the chunk is full. What stands before a line that
// can't be read is given first.
func (s *fileSource) fill() error {
	if s.broken == nil {
		s.broken = s.lines()
	}
	if len(s.ready) > 0 {
		return nil
	}
	return s.broken
}

func (s *fileSource) lines() error {
	for len(s.ready) < s.limit {
		before := len(s.ready)
		if !s.sc.Scan() {
			if err := s.sc.Err(); err != nil {
				return fmt.Errorf("read trace %s after line %d: %w", s.path, s.line, err)
			}
			s.ready = s.read.rest(s.ready)
			s.done = true
		} else {
			s.line++
			text := s.sc.Text()
			if s.line == 1 {
				text = strings.TrimPrefix(text, "\ufeff")
			}
			var err error
			if s.ready, err = s.read.words(s.ready, text); err != nil {
				return fmt.Errorf("read trace %s line %d: %w", s.path, s.line, err)
			}
		}
		if t, ok := s.read.(telling); ok {
			if note, is := t.gap(); is && s.next.Seq >= s.skip {
				s.gaps = append(s.gaps, hole{s.next.Seq + uint64(len(s.ready)), note})
			}
		}
		if got := uint64(len(s.ready) - before); got > 0 && s.next.Seq < s.skip {
			drop := min(got, s.skip-s.next.Seq)
			s.next.Seq += drop
			s.ready = append(s.ready[:before], s.ready[before+int(drop):]...)
		}
		if s.done {
			return nil
		}
	}
	return nil
}

// Fidelity implements Source.
func (s *fileSource) Fidelity() Fidelity { return s.read.fidelity() }

// Read implements Source.
func (s *fileSource) Read(ctx context.Context) (Chunk, error) {
	if err := ctx.Err(); err != nil {
		return Chunk{}, err
	}
	if len(s.ready) == 0 && !s.done {
		if err := s.fill(); err != nil {
			return Chunk{}, err
		}
	}
	if len(s.ready) == 0 {
		return s.end()
	}
	n := len(s.ready)
	if s.speed > 0 {
		var err error
		if n, err = s.pace(ctx); err != nil {
			return Chunk{}, err
		}
	}
	c := Chunk{}
	if n > 0 {
		n = s.whole(n, &c)
	}
	s.buf = append(s.buf[:0], s.ready[:n]...)
	s.ready = append(s.ready[:0], s.ready[n:]...)
	s.next.Seq += uint64(n)
	if n > 0 {
		s.now = max(s.now, s.buf[n-1].T)
	}
	c.Words, c.Now, c.Next = s.buf, s.now, s.next
	return c, nil
}

// whole tells of a loss before the words due and keeps the chunk from reaching
// over the next one.
func (s *fileSource) whole(n int, c *Chunk) int {
	for len(s.gaps) > 0 && s.gaps[0].seq <= s.next.Seq {
		c.Lost, c.Note = true, s.gaps[0].note
		s.gaps = s.gaps[1:]
	}
	if len(s.gaps) > 0 {
		n = int(min(uint64(n), s.gaps[0].seq-s.next.Seq))
	}
	return n
}

// end tells what comes after the last word: a loss, or silence.
func (s *fileSource) end() (Chunk, error) {
	c := Chunk{Now: s.now, Next: s.next}
	if s.ended {
		return c, io.EOF
	}
	s.ended = true
	if t, ok := s.read.(telling); ok {
		s.now = max(s.now, t.silent())
	}
	s.whole(0, &c)
	if !c.Lost && s.now == c.Now {
		return c, io.EOF
	}
	c.Now = s.now
	return c, nil
}

// pace waits at most 100 ms for the next word and says how many words are due.
func (s *fileSource) pace(ctx context.Context) (int, error) {
	if s.started.IsZero() {
		s.started, s.origin = time.Now(), s.ready[0].T
	}
	at := func() int64 { return s.origin + time.Since(s.started).Microseconds()*s.speed }
	if wait := s.ready[0].T + mdb.WordTime - at(); wait > 0 {
		t := time.NewTimer(min(time.Duration(wait/s.speed+1)*time.Microsecond, 100*time.Millisecond))
		defer t.Stop()
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-t.C:
		}
	}
	now := at() - mdb.WordTime
	n := 0
	for n < len(s.ready) && s.ready[n].T <= now {
		n++
	}
	if n < len(s.ready) {
		now = min(now, s.ready[n].T-1)
	}
	s.now = max(s.now, now)
	return n, nil
}

// Close implements Source.
func (s *fileSource) Close() error {
	if s.f == nil {
		return nil // read whole
	}
	return s.f.Close()
}

// errForm is what a line of no known form gives.
var errForm = errors.New("line is of no known form")
