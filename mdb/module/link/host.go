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

// Errors of a host.
var (
	ErrSilent  = errors.New("the module says nothing")
	ErrVersion = errors.New("the module speaks another major version of the link protocol")
)

// Batch is what a host got at once.
type Batch struct {
	Words  []mdb.Word // valid until the next Read
	Now    int64      // µs of the module's clock: nothing else was heard up to here
	Boot   uint64
	Next   uint64 // number of the word to come
	Lost   bool
	Note   string
	Events []Event // what the module reported besides: supply, collisions, stuck lines

	Reports []TxReport // fates of what was given to POLL_QUEUE
	Refused []Result   // commands of Post the module did not carry out
}

// Host talks to one module over a connection.
type Host struct {
	rw     io.ReadWriteCloser
	hello  Hello
	frames chan Message
	fail   error // why frames was closed
	done   chan struct{}

	wmu  sync.Mutex
	seq  uint8
	wbuf []byte
	life *life

	pmu    sync.Mutex
	posted []Message
	post   chan struct{} // posted has something

	words    []mdb.Word
	boot     uint64
	next     uint64
	now      int64
	base     int64  // 1.0: what the wrapped clock stands for
	last     uint32 // 1.0: last time seen
	lostNote string
	events   []Event
	reports  []TxReport
	refused  []Result
	heard    time.Time
	asking   bool // RESUME was sent, RESUMED did not come yet
	settled  bool // a RESUMED of this connection came
	asked    time.Time
	stash    Message // taken from frames, to be handled by the next Read
}

// Times of a host.
const (
	helloWait = 500 * time.Millisecond
	helloTry  = 3
	readWait  = 100 * time.Millisecond
	askAgain  = 250 * time.Millisecond
	silence   = 5 * time.Second // five heartbeats
)

// Connect greets the module and asks for the words from number next of boot on;
// boot 0 takes what the module keeps. It owns rw from now on, also on an error.
func Connect(ctx context.Context, rw io.ReadWriteCloser, boot, next uint64) (*Host, error) {
	h := newHost(rw, gather)
	h.boot, h.next = boot, next
	if err := h.greet(ctx); err != nil {
		h.Close()
		return nil, fmt.Errorf("greet module: %w", err)
	}
	if h.hello.Minor >= 1 {
		if err := h.send(Resume{boot, next}); err != nil {
			h.Close()
			return nil, err
		}
		h.asking, h.asked = true, time.Now()
		return h, nil
	}
	// 1.0 has no ring: what happened before now is gone.
	h.boot, h.next = uint64(time.Now().UnixNano()), 0
	h.last, h.now = h.hello.Time, int64(h.hello.Time)
	if boot != 0 {
		h.lostNote = "module without a ring: what it heard while the host was away is gone"
	}
	return h, nil
}

func newHost(rw io.ReadWriteCloser, gather time.Duration) *Host {
	h := &Host{rw: rw, life: newLife(), frames: make(chan Message, 64), done: make(chan struct{}), heard: time.Now(), post: make(chan struct{}, 1)}
	go h.receive(gather)
	go h.deliver()
	return h
}

// Hello gives what the module said of itself.
func (h *Host) Hello() Hello { return h.hello }

func (h *Host) greet(ctx context.Context) error {
	for range helloTry {
		if err := h.send(HelloReq{Major, Minor}); err != nil {
			return err
		}
		t := time.NewTimer(helloWait)
		for waiting := true; waiting; {
			select {
			case <-ctx.Done():
				t.Stop()
				return ctx.Err()
			case <-t.C:
				waiting = false
			case m, ok := <-h.frames:
				if !ok {
					t.Stop()
					return h.fail
				}
				hello, is := m.(Hello)
				if !is {
					continue
				}
				t.Stop()
				if hello.Major != Major {
					return fmt.Errorf("version %d.%d: %w", hello.Major, hello.Minor, ErrVersion)
				}
				h.hello = hello
				return nil
			}
		}
	}
	return ErrSilent
}

func (h *Host) send(m Message) error {
	h.wmu.Lock()
	defer h.wmu.Unlock()
	var err error
	h.seq++
	if h.wbuf, err = AppendMessage(h.wbuf[:0], h.seq, m); err != nil {
		return err
	}
	if _, err = h.rw.Write(h.wbuf); err != nil {
		return fmt.Errorf("write to module: %w", err)
	}
	h.life.tell(m)
	return nil
}

// gap stands for a jump in the module's frame sequence.
type gap struct{}

func (gap) Type() uint8                  { return 0 }
func (gap) AppendBody(dst []byte) []byte { return dst }

func (h *Host) receive(gather time.Duration) {
	defer close(h.frames)
	var sp Splitter
	buf := make([]byte, 4096)
	expect, known := uint8(0), false
	put := func(m Message) bool {
		select {
		case h.frames <- m:
			return true
		case <-h.done:
			return false
		}
	}
	for {
		n, err := h.rw.Read(buf)
		for p := buf[:n]; len(p) > 0; {
			f, used, ok := sp.Next(p)
			p = p[used:]
			if !ok {
				break
			}
			if known && f.Seq != expect && !put(gap{}) {
				return
			}
			expect, known = f.Seq+1, true
			m, perr := Parse(f)
			if perr != nil {
				continue
			}
			if !put(m) {
				return
			}
		}
		if err != nil {
			h.fail = fmt.Errorf("read from module: %w", err)
			return
		}
		time.Sleep(gather)
	}
}

// gather is how long frames are left to come together after a read: on a busy
// bus a wake-up for each of them costs more than all the work on their words. Who
// waits for answers does not gather.
const gather = 40 * time.Millisecond

// Read waits at most 100 ms for words. An error means that the module is gone:
// connect again with the last position stored. Reading is also what tells the
// module that its host lives: of an owner that stopped reading, the module's
// outputs take their safe state.
func (h *Host) Read(ctx context.Context) (Batch, error) {
	h.words, h.events, h.reports, h.refused = h.words[:0], nil, nil, nil
	var b Batch
	b.Lost, b.Note = h.lostNote != "", h.lostNote
	h.lostNote = ""
	if h.life.due() {
		h.Post(Ping{})
	}
	timer := time.NewTimer(min(readWait, h.life.look()))
	defer timer.Stop()
	for wait := true; ; {
		m, ok := h.stash, true
		h.stash = nil
		if m != nil {
			// Held back by the last Read: its words came before it.
		} else if wait {
			select {
			case <-ctx.Done():
				return Batch{}, ctx.Err()
			case <-timer.C:
				if time.Since(h.heard) > silence {
					return Batch{}, ErrSilent
				}
				return h.batch(b), nil
			case m, ok = <-h.frames:
			}
		} else {
			select {
			case m, ok = <-h.frames:
			default:
				return h.batch(b), nil
			}
		}
		if !ok {
			if len(h.words) > 0 {
				return h.batch(b), nil
			}
			return Batch{}, h.fail
		}
		h.heard = time.Now()
		if h.breaks(m) && len(h.words) > 0 {
			// The words before a loss go with the position before it: were the owner
			// to stop in between, it must hear of the loss again.
			h.stash = m
			return h.batch(b), nil
		}
		if err := h.take(m); err != nil {
			return Batch{}, err
		}
		if h.lostNote != "" {
			b.Lost, b.Note, h.lostNote = true, h.lostNote, ""
		}
		wait = len(h.words) == 0
		if len(h.words) >= 4096 {
			return h.batch(b), nil
		}
	}
}

func (h *Host) batch(b Batch) Batch {
	b.Words, b.Now, b.Boot, b.Next, b.Events = h.words, h.now, h.boot, h.next, h.events
	b.Reports, b.Refused = h.reports, h.refused
	return b
}

// breaks reports whether m can say that words were lost.
func (h *Host) breaks(m Message) bool {
	switch m.(type) {
	case Resumed:
		return true
	case gap:
		return h.hello.Minor == 0
	case Hello:
		return true
	}
	return false
}

// take handles one message of the module.
func (h *Host) take(m Message) error {
	switch m := m.(type) {
	case gap:
		if h.hello.Minor == 0 {
			h.lostNote = "frames of the module were lost"
		} else {
			return h.again()
		}
	case Hello:
		if m.Minor >= 1 && m.Boot != h.hello.Boot || m.Minor == 0 && m.Uptime < h.hello.Uptime {
			// Another run: the owner reconnects with what it stored.
			return errors.New("the module was restarted")
		}
		h.hello = m
	case Resumed:
		h.resumed(m)
	case WordsAt:
		return h.wordsAt(m)
	case Words:
		h.wordsOld(m)
	case Now:
		if h.asking || m.Next > h.next {
			return h.again()
		}
		if m.Next == h.next {
			h.now = max(h.now, int64(m.Time))
		}
	case Heartbeat:
		if h.hello.Minor == 0 {
			h.now = max(h.now, h.unwrap(m.Time))
		} else if h.asking {
			return h.again()
		}
	case Event:
		h.events = append(h.events, m)
	case TxReport:
		h.reports = append(h.reports, m)
	case Result:
		// Of KEEP and RESUME nobody needs to hear: their effect is visible.
		if m.Status != StatusOK && m.Command != TypeKeep && m.Command != TypeResume {
			h.refused = append(h.refused, m)
		}
	}
	return nil
}

// again asks for what a lost frame held; when the answer itself was lost, anew
// after a while.
func (h *Host) again() error {
	if h.asking && time.Since(h.asked) < askAgain {
		return nil
	}
	h.asking, h.asked = true, time.Now()
	return h.send(Resume{h.boot, h.next})
}

// resumed takes where words go on. A module slower than the host's patience
// answers each of its repeated requests: what answers an older one would lead
// back to words that were given already, and is not obeyed.
func (h *Host) resumed(m Resumed) {
	h.asking = false
	if m.Boot == h.boot && m.First < h.next && (h.settled || m.Reason != ResumedAhead) {
		return
	}
	h.settled = true
	switch m.Reason {
	case ResumedBoot:
		h.lostNote = "module restarted" + bootText(h.hello.BootReason)
	case ResumedOverrun:
		h.lostNote = fmt.Sprintf("ring overrun: %d words lost", m.Lost)
	case ResumedAhead:
		h.lostNote = "the module does not know the position asked for"
	case ResumedStart:
		if m.Lost > 0 && m.Lost != LostUnknown {
			h.lostNote = fmt.Sprintf("first contact: %d words were heard before", m.Lost)
		}
	}
	if m.Boot != h.boot {
		h.now = 0
	}
	h.boot, h.next = m.Boot, m.First
}

func (h *Host) wordsAt(m WordsAt) error {
	if h.asking {
		return h.again() // of before RESUMED, or RESUMED was lost
	}
	if m.Seq > h.next {
		return h.again()
	}
	t := int64(m.T0 & (1<<62 - 1))
	for i, e := range m.Entries {
		t += int64(e.DT)
		if m.Seq+uint64(i) < h.next {
			continue
		}
		h.words = append(h.words, wordOf(e.W, t))
		h.next++
	}
	h.now = max(h.now, t)
	return nil
}

func (h *Host) wordsOld(m Words) {
	t := h.unwrap(m.T0)
	for _, e := range m.Entries {
		t += int64(e.DT)
		h.words = append(h.words, wordOf(e.W, t))
		h.next++
	}
	h.now = max(h.now, t)
}

// unwrap makes 64 bits of a 32-bit time near the last one.
func (h *Host) unwrap(t uint32) int64 {
	d := int32(t - h.last)
	h.last = t
	if h.base == 0 {
		h.base = int64(h.hello.Time)
	}
	h.base += int64(d)
	return h.base
}

// Keep says that the words before next of boot are durable here.
func (h *Host) Keep(boot, next uint64) error {
	if h.hello.Minor == 0 || boot != h.boot {
		return nil
	}
	return h.send(Keep{boot, next})
}

// Send sends a command of the owner at once. It may block while the module
// has words to send, so an owner that reads in the same goroutine uses Post.
func (h *Host) Send(m Message) error { return h.send(m) }

// Post sends commands in order without waiting. What the module refuses comes
// in Batch.Refused; a connection that does not take them fails the next Read.
func (h *Host) Post(ms ...Message) {
	h.pmu.Lock()
	h.posted = append(h.posted, ms...)
	h.pmu.Unlock()
	select {
	case h.post <- struct{}{}:
	default:
	}
}

func (h *Host) deliver() {
	for {
		select {
		case <-h.done:
			return
		case <-h.post:
		}
		h.pmu.Lock()
		ms := h.posted
		h.posted = nil
		h.pmu.Unlock()
		for _, m := range ms {
			if h.send(m) != nil {
				h.rw.Close()
				return
			}
		}
	}
}

// Close ends the connection.
func (h *Host) Close() error {
	select {
	case <-h.done:
		return nil
	default:
		close(h.done)
	}
	return h.rw.Close()
}
