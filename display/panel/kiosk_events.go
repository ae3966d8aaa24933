package panel

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/chekomat/chekomat/display"
)

// maxStreams bounds the pages open at once; the oldest gives way, since a
// browser that lost its network may never close its stream.
const maxStreams = 8

// writeWithin is how long a stream may take a message before it is dropped.
const writeWithin = 5 * time.Second

// message is one server-sent event.
type message struct {
	event string // "screen" or "ping"
	n     uint64
	state display.State
}

// sub is one open event stream. Its channel holds one message: a newer screen
// replaces an older one that the browser has not taken.
type sub struct {
	box   chan message
	gone  chan struct{}
	since uint64
}

// tell hands a message to every stream without waiting; mu is held.
func (k *Kiosk) tell(m message) {
	for s := range k.watch {
		select {
		case old := <-s.box:
			if m.event == "ping" && old.event == "screen" {
				m = old
			}
		default:
		}
		s.box <- m
	}
}

// pinging asks the pages for signs of life until the kiosk is closed.
func (k *Kiosk) pinging() {
	t := time.NewTicker(pingEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			k.ping()
		case <-k.done:
			return
		}
	}
}

func (k *Kiosk) ping() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tell(message{event: "ping", n: k.n, state: k.screen.State})
}

func (k *Kiosk) subscribe() *sub {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := &sub{box: make(chan message, 1), gone: make(chan struct{})}
	var oldest *sub
	for w := range k.watch {
		s.since = max(s.since, w.since+1)
		if oldest == nil || w.since < oldest.since {
			oldest = w
		}
	}
	if len(k.watch) >= maxStreams {
		delete(k.watch, oldest)
		close(oldest.gone)
	}
	k.watch[s] = true
	s.box <- message{event: "screen", n: k.n, state: k.screen.State}
	return s
}

func (k *Kiosk) unsubscribe(s *sub) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.watch, s)
	k.notify()
}

// events is GET /events: "screen" when the picture changed, "ping" in between.
func (k *Kiosk) events(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	out := http.NewResponseController(w)
	s := k.subscribe()
	defer k.unsubscribe(s)
	if _, err := fmt.Fprint(w, "retry: 1000\n\n"); err != nil {
		return
	}
	for {
		select {
		case m := <-s.box:
			data, err := json.Marshal(map[string]any{"boot": k.boot, "n": m.n, "state": m.state})
			if err != nil {
				return
			}
			// A writer without deadlines (a test's recorder) cannot hang.
			_ = out.SetWriteDeadline(time.Now().Add(writeWithin))
			if _, err := fmt.Fprintf(w, "event: %s\nid: %d\ndata: %s\n\n", m.event, m.n, data); err != nil {
				return
			}
			if err := out.Flush(); err != nil {
				return
			}
		case <-s.gone:
			return
		case <-k.done:
			return
		case <-r.Context().Done():
			return
		}
	}
}
