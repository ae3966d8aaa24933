package board

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/module"
	"github.com/chekomat/chekomat/mdb/role"
)

// Host is the agent's end of the link: its module source, read and opened again
// as the agent does, and its roles.
type Host struct {
	url    string
	cast   *role.Cast
	hear   func(module.Chunk) // called in the order of the words
	cancel context.CancelFunc
	done   chan struct{}

	mu       sync.Mutex
	words    []mdb.Word
	now      int64
	at       module.Cursor
	lost     []string
	trouble  []string
	fidelity module.Fidelity
	opened   int
	failed   []string // why connections ended
}

// Heard is what a host got so far.
type Heard struct {
	Words    []mdb.Word
	Now      int64 // of the module's clock
	At       module.Cursor
	Lost     []string // what was lost, in the module's terms
	Trouble  []string
	Failed   []string // why connections ended
	Opened   int
	Fidelity module.Fidelity
}

// Attach begins to listen from a position. hear may be nil.
func Attach(url string, from module.Cursor, cast *role.Cast, hear func(module.Chunk)) *Host {
	ctx, cancel := context.WithCancel(context.Background())
	h := &Host{url: url, cast: cast, hear: hear, cancel: cancel, done: make(chan struct{}), at: from}
	go h.listen(ctx)
	return h
}

func (h *Host) listen(ctx context.Context) {
	defer close(h.done)
	for ctx.Err() == nil {
		if err := h.once(ctx); err != nil && ctx.Err() == nil {
			h.mu.Lock()
			h.failed = append(h.failed, err.Error())
			h.mu.Unlock()
			select {
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
}

func (h *Host) once(ctx context.Context) error {
	h.mu.Lock()
	from := h.at
	h.mu.Unlock()
	src, err := module.Open(ctx, h.url, from, module.Options{})
	if err != nil {
		return err
	}
	if h.cast != nil {
		playing, err := h.cast.Play(src)
		if err != nil {
			return errors.Join(err, src.Close())
		}
		src = playing
	}
	defer src.Close()
	h.mu.Lock()
	h.opened++
	h.fidelity = src.Fidelity()
	h.mu.Unlock()
	for {
		c, err := src.Read(ctx)
		if err != nil {
			return fmt.Errorf("listen: %w", err)
		}
		if h.hear != nil {
			h.hear(c)
		}
		if k, ok := src.(module.Keeper); ok && len(c.Words) > 0 {
			if err := k.Keep(c.Next); err != nil {
				return fmt.Errorf("listen: %w", err)
			}
		}
		h.mu.Lock()
		h.words = append(h.words, c.Words...)
		h.now, h.at = c.Now, c.Next
		if c.Lost {
			h.lost = append(h.lost, c.Note)
		}
		h.trouble = append(h.trouble, c.Trouble...)
		h.mu.Unlock()
	}
}

// Heard gives what was heard so far.
func (h *Host) Heard() Heard {
	h.mu.Lock()
	defer h.mu.Unlock()
	return Heard{Words: h.words[:len(h.words):len(h.words)], Now: h.now, At: h.at, Lost: h.lost, Trouble: h.trouble, Failed: h.failed,
		Opened: h.opened, Fidelity: h.fidelity}
}

// Stop lets go of the module and gives where it stood.
func (h *Host) Stop() module.Cursor {
	h.cancel()
	<-h.done
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at
}

// Patience of Follow: the wall's time, spent only when something is broken.
const patience = 2 * time.Minute

// wait lets a host do its work while the bus stands still.
func (h *Host) wait(until func(Heard) bool, most time.Duration) bool {
	for end := time.Now().Add(most); ; time.Sleep(time.Millisecond) {
		if until(h.Heard()) {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}

// Until lets bus time pass in small steps until the host says so. The bus is
// silent meanwhile.
func (b *Board) Until(h *Host, what string, ok func(Heard) bool) error {
	for end := time.Now().Add(patience); ; {
		if b.fail != nil {
			return b.fail
		}
		if h.wait(ok, 100*time.Millisecond) {
			return nil
		}
		if time.Now().After(end) {
			at := h.Heard()
			return fmt.Errorf("emulated module: the host waits in vain for %s; it has %d words, connections ended: %q, lost: %q, trouble: %q",
				what, len(at.Words), at.Failed, at.Lost, at.Trouble)
		}
		b.Rest(10_000)
	}
}

// Follow waits until the host has every word that was over a while ago, n of
// them being those before this boot of the module.
func (b *Board) Follow(h *Host, n int) error {
	want := len(b.sent) - n
	for want > 0 && b.sent[n+want-1].End > b.now-40_000 {
		want--
	}
	return b.Until(h, fmt.Sprintf("word %d", want), func(at Heard) bool { return at.At.Seq >= uint64(want) })
}

// Finish lets the host have everything, and the module's word that nothing came
// after it.
func (b *Board) Finish(h *Host) error {
	b.Rest(200_000)
	if err := b.Follow(h, 0); err != nil {
		return err
	}
	var last int64
	if ws := h.Heard().Words; len(ws) > 0 {
		last = ws[len(ws)-1].T
	}
	return b.Until(h, "the silence after the last word", func(at Heard) bool { return at.Now > last+100_000 })
}
