package link

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/chekomat/chekomat/mdb"
)

// DeviceConfig describes a module that Device plays.
type DeviceConfig struct {
	Boot         uint64 // id of this run, not 0; a restart needs another one
	ID           [8]byte
	Version      [3]byte // of the firmware it says it is
	Limit        int     // words kept in the ring; 0 is 1<<16
	Minor        uint8   // protocol minor to offer; OldMinor for 1.0
	OldMinor     bool    // speak 1.0: no ring, no resuming
	Capabilities uint32  // 0 is CanListenMDB
	Interlock    bool    // the jumper that keeps the transmitter off is set
	// Command answers commands that Device does not know itself. nil answers
	// StatusUnknown.
	Command func(Message) uint8
}

// Device is the module's side of the link: it keeps the words it is fed in a
// ring and serves them to one host at a time, from where that host left. Feed
// and Advance never block on the host. All methods are safe for concurrent use.
type Device struct {
	cfg     DeviceConfig
	started time.Time

	mu      sync.Mutex
	ring    *ring
	now     int64 // nothing but the words fed was heard up to here, µs
	counts  [4]LineCount
	wake    chan struct{}
	cancel  context.CancelFunc // of the host being served
	serving sync.Mutex
	kept    uint64
	voice   voice
	brk     int64 // start of the last break
	outputs outputs
	notes   []Message // to tell the host besides words, oldest first
}

// NewDevice makes a module.
func NewDevice(cfg DeviceConfig) (*Device, error) {
	if cfg.Boot == 0 {
		return nil, errors.New("module link: a boot id of 0 means none")
	}
	if cfg.Limit <= 0 {
		cfg.Limit = 1 << 16
	}
	if cfg.Capabilities == 0 {
		cfg.Capabilities = CanListenMDB
	}
	cfg.Minor = Minor
	if cfg.OldMinor {
		cfg.Minor = 0
	}
	now := time.Now()
	return &Device{cfg: cfg, started: now, outputs: outputs{after: safeAfter, heard: now}, ring: newRing(cfg.Limit), wake: make(chan struct{}, 1)}, nil
}

// Feed takes words in the order of their completion. Their times are µs since
// the module's boot.
func (d *Device) Feed(ws ...mdb.Word) {
	d.mu.Lock()
	for _, w := range ws {
		d.ring.add(w)
		d.now = max(d.now, w.T)
		c := &d.counts[w.Line&3]
		switch {
		case w.Flags&mdb.BreakStart != 0:
			c.Breaks++
			d.brk = w.T
		case w.Flags&mdb.BreakEnd == 0:
			c.Words++
		case w.Line == mdb.Master && w.T-d.brk >= minBreak:
			for _, q := range d.voice.busReset() {
				d.report(q, TxReset, w.T)
			}
		}
		if w.Flags&mdb.FramingError != 0 {
			c.Framing++
		}
	}
	d.mu.Unlock()
	d.signal()
}

// Advance says that nothing but the words fed was heard up to now, µs.
func (d *Device) Advance(now int64) {
	d.mu.Lock()
	d.now = max(d.now, now)
	d.mu.Unlock()
	d.signal()
}

func (d *Device) signal() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// DeviceState is what a Device holds.
type DeviceState struct {
	Oldest  uint64 // number of the oldest word kept
	Next    uint64 // number of the word to come
	Overrun uint64 // words dropped because nobody took them in time
	Kept    uint64 // the host's last KEEP
	Now     int64
	Outputs uint8
}

// State gives what the device holds.
func (d *Device) State() DeviceState {
	d.mu.Lock()
	defer d.mu.Unlock()
	return DeviceState{Oldest: d.ring.first, Next: d.ring.next, Overrun: d.ring.over, Kept: d.kept, Now: d.now, Outputs: d.outputs.at(time.Now())}
}

// Serve talks to one host until the connection or ctx ends. A newer Serve takes
// over from one that is running. It closes rw.
func (d *Device) Serve(ctx context.Context, rw io.ReadWriteCloser) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d.mu.Lock()
	if d.cancel != nil {
		d.cancel()
	}
	d.cancel = cancel
	d.mu.Unlock()
	d.serving.Lock()
	defer d.serving.Unlock()
	if ctx.Err() != nil {
		rw.Close()
		return fmt.Errorf("serve module link: %w", context.Cause(ctx))
	}
	s := &session{d: d, rw: rw, in: make(chan Message, 16), drop: context.AfterFunc(ctx, func() { rw.Close() })}
	defer s.drop()
	defer rw.Close()
	readErr := make(chan error, 1)
	go func() {
		readErr <- s.receive(ctx)
		cancel()
	}()
	err := s.send(ctx)
	cancel()
	rw.Close()
	if e := <-readErr; err == nil || errors.Is(err, context.Canceled) {
		err = e
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// session is one host being served.
type session struct {
	d        *Device
	rw       io.ReadWriteCloser
	in       chan Message
	drop     func() bool
	seq      uint8
	buf      []byte
	entries  [MaxEntriesAt]Entry
	words    [MaxEntriesAt]mdb.Word
	bad      uint64
	resumed  bool // words flow
	next     uint64
	told     int64 // time last told
	lastBeat time.Time
}

// command is a host's message with what CMD_RESULT echoes.
type command struct {
	Message
	seq uint8
}

func (s *session) receive(ctx context.Context) error {
	var sp Splitter
	buf := make([]byte, 512)
	for {
		n, err := s.rw.Read(buf)
		for p := buf[:n]; len(p) > 0; {
			f, used, ok := sp.Next(p)
			p = p[used:]
			if !ok {
				break
			}
			s.d.hear()
			m, err := Parse(f)
			if err != nil {
				m = refused{f.Type, statusOf(err)}
			}
			select {
			case s.in <- command{m, f.Seq}:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if err != nil {
			return fmt.Errorf("read from host: %w", err)
		}
	}
}

// hear says that the host lives.
func (d *Device) hear() {
	d.mu.Lock()
	d.outputs.hear(time.Now())
	d.mu.Unlock()
}

// refused stands for a frame that cannot be read.
type refused struct{ typ, status uint8 }

func (r refused) Type() uint8                { return r.typ }
func (refused) AppendBody(dst []byte) []byte { return dst }

func statusOf(err error) uint8 {
	var u UnknownTypeError
	if errors.As(err, &u) {
		return StatusUnknown
	}
	return StatusLength
}

// Pace of what is said without being asked.
const (
	nowEvery  = 50 * time.Millisecond
	beatEvery = time.Second
)

func (s *session) send(ctx context.Context) error {
	tick := time.NewTicker(nowEvery)
	defer tick.Stop()
	if err := s.put(s.d.hello()); err != nil {
		return err
	}
	s.lastBeat = time.Now()
	if s.d.cfg.OldMinor {
		// 1.0: words flow from the moment the host is there.
		s.d.mu.Lock()
		s.next, s.resumed = s.d.ring.next, true
		s.d.mu.Unlock()
	}
	for {
		if err := s.tell(); err != nil {
			return err
		}
		more, err := s.flush()
		if err != nil {
			return err
		}
		var wake <-chan struct{}
		idle := tick.C
		if !more {
			wake = s.d.wake
		} else {
			idle = closedTick
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case m := <-s.in:
			if err := s.handle(m.(command)); err != nil {
				return err
			}
		case <-wake:
		case <-idle:
			if err := s.beat(); err != nil {
				return err
			}
		}
	}
}

// closedTick is always ready: words are waiting, so nothing else should.
var closedTick = func() <-chan time.Time {
	c := make(chan time.Time)
	close(c)
	return c
}()

func (s *session) put(m Message) error {
	var err error
	if s.buf, err = AppendMessage(s.buf[:0], s.seq, m); err != nil {
		return err
	}
	s.seq++
	if _, err := s.rw.Write(s.buf); err != nil {
		return fmt.Errorf("write to host: %w", err)
	}
	return nil
}

// flush sends the next frame of words; more says that others wait.
func (s *session) flush() (more bool, err error) {
	if !s.resumed {
		return false, nil
	}
	d := s.d
	d.mu.Lock()
	if s.next < d.ring.first && !d.cfg.OldMinor {
		lost := d.ring.first - s.next
		s.next = d.ring.first
		d.mu.Unlock()
		return true, s.put(Resumed{Boot: d.cfg.Boot, First: s.next, Lost: lost, Reason: ResumedOverrun})
	}
	s.next = max(s.next, d.ring.first)
	n := d.ring.copyFrom(s.words[:], s.next)
	d.mu.Unlock()
	if n == 0 {
		return false, nil
	}
	m, took := packAt(s.entries[:0], s.next, s.words[:n])
	s.next += uint64(took)
	s.told = max(s.told, s.words[took-1].T)
	if d.cfg.OldMinor {
		err = s.put(Words{T0: uint32(m.T0), Entries: m.Entries})
	} else {
		err = s.put(m)
	}
	return err == nil, err
}

// beat tells the time when the bus is silent, and the heartbeat once a second.
func (s *session) beat() error {
	d := s.d
	d.mu.Lock()
	now, next := d.now, d.ring.next
	d.mu.Unlock()
	if s.resumed && !d.cfg.OldMinor && s.next == next && now > s.told {
		s.told = now
		if err := s.put(Now{Time: uint64(now), Next: next}); err != nil {
			return err
		}
	}
	if time.Since(s.lastBeat) < beatEvery {
		return nil
	}
	s.lastBeat = time.Now()
	return s.put(d.heartbeat(s.bad))
}

func (d *Device) hello() Hello {
	d.mu.Lock()
	defer d.mu.Unlock()
	return Hello{
		Major: Major, Minor: d.cfg.Minor, FwMajor: d.cfg.Version[0], FwMinor: d.cfg.Version[1], Patch: d.cfg.Version[2], Capabilities: d.cfg.Capabilities, ID: d.cfg.ID,
		Uptime: uint32(time.Since(d.started).Milliseconds()), Time: uint32(d.now), Lines: 4, MaxFrame: MaxDecoded,
		Mode: d.voice.mode(), Outputs: d.outputs.at(time.Now()),
		Boot: d.cfg.Boot, Oldest: d.ring.first, Next: d.ring.next,
	}
}

func (d *Device) heartbeat(bad uint64) Heartbeat {
	d.mu.Lock()
	defer d.mu.Unlock()
	return Heartbeat{
		Time: uint32(d.now), Uptime: uint32(time.Since(d.started).Seconds()), Lines: d.counts,
		RecordsDropped: uint16(min(d.ring.over, 0xFFFF)), HostCRCErrors: uint16(min(bad, 0xFFFF)),
		Mode: d.voice.mode(), Outputs: d.outputs.at(time.Now()),
	}
}

func (s *session) handle(c command) error {
	d := s.d
	status := StatusOK
	switch m := c.Message.(type) {
	case HelloReq:
		return s.put(d.hello())
	case Ping:
		d.mu.Lock()
		now := uint32(d.now)
		d.mu.Unlock()
		return s.put(Pong{m.Cookie, now})
	case Resume:
		if d.cfg.OldMinor {
			status = StatusUnknown
			break
		}
		return s.put(s.resume(m))
	case Keep:
		if d.cfg.OldMinor {
			status = StatusUnknown
			break
		}
		d.mu.Lock()
		if m.Boot == d.cfg.Boot && m.Next <= s.next {
			d.ring.keep(m.Next)
			d.kept = max(d.kept, m.Next)
		} else {
			status = StatusValue
		}
		d.mu.Unlock()
		if status == StatusOK {
			return nil
		}
	case refused:
		status = m.status
	default:
		status = d.Do(m)
	}
	return s.put(Result{Command: c.Type(), Seq: c.seq, Status: status})
}

// resume sets where words go on and says what was lost.
func (s *session) resume(m Resume) Resumed {
	d := s.d
	d.mu.Lock()
	defer d.mu.Unlock()
	r := Resumed{Boot: d.cfg.Boot, First: d.ring.first}
	switch {
	case m.Boot == 0:
		r.Reason, r.Lost = ResumedStart, d.ring.first
	case m.Boot != d.cfg.Boot:
		r.Reason, r.Lost = ResumedBoot, LostUnknown
	case m.Next > d.ring.next:
		r.Reason, r.Lost = ResumedAhead, LostUnknown
	case m.Next < d.ring.first:
		r.Reason, r.Lost = ResumedOverrun, d.ring.first-m.Next
	default:
		r.First = m.Next
	}
	s.next, s.resumed, s.told = r.First, true, 0
	return r
}
