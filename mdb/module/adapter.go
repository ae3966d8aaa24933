package module

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"strconv"
	"time"

	"go.bug.st/serial"

	"github.com/chekomat/chekomat/mdb"
)

// adapter is a bought module that speaks lines of text. It keeps no words: what
// it heard while nobody listened is gone.
type adapter interface {
	fidelity() Fidelity
	greet() []byte // said on opening
	bye() []byte   // said on closing
	// line takes a line that came at (µs since opening) and appends the words it
	// stands for. damaged is a line that may have been one of the bus.
	line(dst []mdb.Word, at int64, line string) (words []mdb.Word, say []byte, damaged error)
	// quiet gives what silence of the adapter completes.
	quiet(dst []mdb.Word) []mdb.Word
}

// adapterSource is a Source over an adapter.
type adapterSource struct {
	a       adapter
	rw      io.ReadWriteCloser
	lines   chan arrived
	done    chan struct{}
	fail    error
	started time.Time
	next    Cursor
	lost    string
	words   []mdb.Word
	made    []mdb.Word // by what was said ourselves, for the next Read
	said    []Said
	trouble []string
	shift   int64 // added to the adapter's times, so they never step back
	last    int64 // time of the newest word given
	lastAt  time.Time
}

type arrived struct {
	at   int64
	line string
}

// readWait is how long Read waits for a line.
const readWait = 100 * time.Millisecond

func newAdapterSource(a adapter, rw io.ReadWriteCloser, from Cursor) (*adapterSource, error) {
	s := &adapterSource{a: a, rw: rw, lines: make(chan arrived, 1024), done: make(chan struct{}), started: time.Now(),
		next: Cursor{Boot: rand.Uint64() | 1}}
	if from != (Cursor{}) {
		s.lost = "an adapter without memory: what the bus said while nobody listened is gone"
	}
	if _, err := rw.Write(a.greet()); err != nil {
		rw.Close()
		return nil, fmt.Errorf("greet the adapter: %w", err)
	}
	go s.receive()
	return s, nil
}

// maxAdapterLine bounds a line: a block of 36 bytes in hex, and some more.
const maxAdapterLine = 256

func (s *adapterSource) receive() {
	defer close(s.lines)
	var line []byte
	buf := make([]byte, 1024)
	for {
		n, err := s.rw.Read(buf)
		at := time.Since(s.started).Microseconds()
		for _, b := range buf[:n] {
			switch {
			case b != '\n' && b != '\r':
				if len(line) <= maxAdapterLine {
					line = append(line, b)
				}
				continue
			case len(line) == 0:
				continue
			}
			select {
			case s.lines <- arrived{at, string(line)}:
			case <-s.done:
				return
			}
			line = line[:0]
		}
		if n == 0 && err == nil {
			err = io.ErrUnexpectedEOF // the port has gone
		}
		if err != nil {
			s.fail = err
			return
		}
	}
}

// Fidelity implements Source.
func (s *adapterSource) Fidelity() Fidelity { return s.a.fidelity() }

// Read implements Source.
func (s *adapterSource) Read(ctx context.Context) (Chunk, error) {
	c := Chunk{Lost: s.lost != "", Note: s.lost, Said: s.said, Trouble: s.trouble}
	s.lost, s.said, s.trouble = "", nil, nil
	s.words = append(s.words[:0], s.made...)
	s.made = s.made[:0]
	timer := time.NewTimer(readWait)
	defer timer.Stop()
	for wait := len(s.words) == 0; ; wait = false {
		var l arrived
		var ok bool
		if wait {
			select {
			case <-ctx.Done():
				return Chunk{}, ctx.Err()
			case <-timer.C:
				s.words = s.settle(s.words, s.a.quiet(nil))
				return s.chunk(c), nil
			case l, ok = <-s.lines:
			}
		} else {
			select {
			case l, ok = <-s.lines:
			default:
				return s.chunk(c), nil
			}
		}
		if !ok {
			if len(s.words) > 0 || c.Lost {
				return s.chunk(c), nil
			}
			return Chunk{}, fmt.Errorf("read from the adapter: %w", s.fail)
		}
		made, say, err := s.a.line(nil, l.at, l.line)
		if err != nil {
			// One block may be missing; what was said before it stands.
			note := fmt.Sprintf("the adapter's line %q can't be read: %v", l.line[:min(len(l.line), 80)], err)
			if len(s.words) > 0 {
				s.lost = note
				return s.chunk(c), nil
			}
			c.Lost, c.Note = true, note
		}
		s.words = s.settle(s.words, made)
		if len(say) > 0 {
			if _, err := s.rw.Write(say); err != nil {
				return Chunk{}, fmt.Errorf("write to the adapter: %w", err)
			}
		}
		if len(s.words) >= 4096 {
			return s.chunk(c), nil
		}
	}
}

// settle appends words with times that never step far back: the adapter's
// clock wraps, and begins anew with the adapter.
func (s *adapterSource) settle(dst, made []mdb.Word) []mdb.Word {
	const back = 1_000_000
	for _, w := range made {
		if w.T+s.shift < s.last-back {
			s.shift = s.last + 100_000 - w.T
		}
		w.T += s.shift
		s.last, s.lastAt = max(s.last, w.T), time.Now()
		dst = append(dst, w)
	}
	return dst
}

func (s *adapterSource) chunk(c Chunk) Chunk {
	s.next.Seq += uint64(len(s.words))
	c.Words, c.Next = s.words, s.next
	// Lines may still be on their way: the present is told a little late.
	const delay = 50_000
	if c.Now = s.last; !s.lastAt.IsZero() {
		c.Now = max(c.Now, s.last+time.Since(s.lastAt).Microseconds()-delay)
	}
	return c
}

// Close implements Source.
func (s *adapterSource) Close() error {
	select {
	case <-s.done:
		return nil
	default:
		close(s.done)
	}
	_, _ = s.rw.Write(s.a.bye())
	return s.rw.Close()
}

// openAdapter opens qibixx:// and waferstar://.
func openAdapter(u *url.URL, from Cursor) (Source, error) {
	a, baud, err := adapterFor(u)
	if err != nil {
		return nil, fmt.Errorf("open adapter %s: %w", u, err)
	}
	if v := u.Query().Get("baud"); v != "" {
		if baud, err = strconv.Atoi(v); err != nil || baud <= 0 {
			return nil, fmt.Errorf("open adapter %s: baud %q is no number", u, v)
		}
	}
	p, err := serial.Open(u.Path, &serial.Mode{BaudRate: baud})
	if err != nil {
		return nil, fmt.Errorf("open adapter %s: %w", u, err)
	}
	return overAdapter(a, p, from)
}

// overAdapter gives the source of an adapter; one that can speak is a Speaker.
func overAdapter(a adapter, rw io.ReadWriteCloser, from Cursor) (Source, error) {
	s, err := newAdapterSource(a, rw, from)
	if err != nil {
		return nil, err
	}
	if w, ok := a.(*waferstar); ok {
		return &waferstarSource{s, w}, nil
	}
	return s, nil
}

// adapterFor makes the adapter a URL names.
func adapterFor(u *url.URL) (a adapter, baud int, err error) {
	q := u.Query()
	address := mdb.Cashless1
	if v := q.Get("address"); v != "" {
		n, err := strconv.ParseUint(v, 16, 8)
		if err != nil || !mdb.Device(n).Cashless() {
			return nil, 0, fmt.Errorf("address is 10 or 60, not %q", v)
		}
		address = mdb.Device(n)
	}
	switch u.Scheme {
	case "qibixx":
		switch mode := q.Get("mode"); mode {
		case "", "sniff":
			return &qibixxSniff{}, 115200, nil
		case "reader":
			r := &qibixxReading{address: address, currency: 0xFFFF}
			if v := q.Get("currency"); v != "" {
				n, err := strconv.ParseUint(v, 16, 16)
				if err != nil {
					return nil, 0, fmt.Errorf("currency is four digits as on the bus (1643), not %q", v)
				}
				r.currency = uint16(n)
			}
			switch v := q.Get("vend"); v {
			case "", "leave":
			case "approve":
				r.approve = true
			default:
				return nil, 0, fmt.Errorf("vend is leave or approve, not %q", v)
			}
			return r, 115200, nil
		default:
			return nil, 0, fmt.Errorf("mode is sniff or reader, not %q", mode)
		}
	case "waferstar":
		w := &waferstar{address: address, sum: true}
		switch v := q.Get("sum"); v {
		case "", "yes":
		case "no":
			w.sum = false
		default:
			return nil, 0, fmt.Errorf("sum is yes or no, not %q", v)
		}
		return w, 9600, nil
	}
	return nil, 0, errors.New("no such adapter")
}
