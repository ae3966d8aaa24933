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
	read, err := readerFor(path)
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

func readerFor(path string) (lineReader, error) {
	name := filepath.Base(path)
	switch {
	case strings.HasSuffix(name, ".words.csv"):
		return &wordsReader{timed: true}, nil
	case strings.HasSuffix(name, ".blocks.txt"):
		return &blocksReader{}, nil
	case strings.HasPrefix(name, "qibixx") && strings.HasSuffix(name, ".log"):
		return &qibixxReader{}, nil
	}
	return nil, fmt.Errorf("open trace %s: unknown form (known: *.words.csv, *.blocks.txt, qibixx*.log)", path)
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

// fill reads lines until the chunk is full.
func (s *fileSource) fill() error {
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
			var err error
			if s.ready, err = s.read.words(s.ready, s.sc.Text()); err != nil {
				return fmt.Errorf("read trace %s line %d: %w", s.path, s.line, err)
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
		return Chunk{Now: s.now, Next: s.next}, io.EOF
	}
	n := len(s.ready)
	if s.speed > 0 {
		var err error
		if n, err = s.pace(ctx); err != nil {
			return Chunk{}, err
		}
	}
	s.buf = append(s.buf[:0], s.ready[:n]...)
	s.ready = append(s.ready[:0], s.ready[n:]...)
	s.next.Seq += uint64(n)
	if n > 0 {
		s.now = max(s.now, s.buf[n-1].T)
	}
	return Chunk{Words: s.buf, Now: s.now, Next: s.next}, nil
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
func (s *fileSource) Close() error { return s.f.Close() }

// errForm is what a line of no known form gives.
var errForm = errors.New("line is of no known form")
