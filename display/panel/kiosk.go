package panel

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/chekomat/chekomat/display"
)

func init() {
	Register("kiosk", func(u *url.URL, g display.Geometry) (Panel, error) {
		if u.Path != "" && u.Path != "/" {
			return nil, fmt.Errorf("the page is at the root, not at %s", u.Path)
		}
		k, err := NewKiosk(g)
		if err != nil {
			return nil, err
		}
		if m := u.Query().Get("mirror"); m != "" {
			if k.mirror, err = strconv.ParseBool(m); err != nil {
				return nil, fmt.Errorf("mirror=%s: want 1 or 0", m)
			}
		}
		if err := k.listen(u.Host); err != nil {
			return nil, err
		}
		return k, nil
	})
}

// Times of a kiosk page.
const (
	pingEvery = 4 * time.Second  // how often the page is asked for a sign of life
	aliveFor  = 15 * time.Second // how long one sign of life holds
)

// Kiosk serves a page that shows the screens in a full-screen browser.
//
// The page asks for a picture of exactly its own device pixels and paints it
// pixel for pixel, so the modules of a QR code stay whole and the size in
// millimetres is the one Render computed. Each paint is confirmed by POST
// /shown from within an animation frame: a browser that is closed, hung or
// covered stops confirming. Nothing a browser does or fails to do delays Show.
type Kiosk struct {
	g      display.Geometry
	now    func() time.Time
	boot   string // tells the page that the numbers start anew
	mirror bool
	mux    *http.ServeMux

	mu      sync.Mutex
	screen  display.Screen
	n       uint64 // number of the screen; 0: none yet
	seen    time.Time
	shown   uint64        // newest screen confirmed
	view    extent        // device pixels of the page that confirmed last
	changed chan struct{} // closed and replaced when anything above changes
	watch   map[*sub]bool // open event streams
	drawn   []drawing     // pictures of the current screen
	server  *http.Server
	addr    net.Addr
	closed  bool
	done    chan struct{}
}

// extent is a page's size in device pixels; zeros before it is known.
type extent struct{ w, h int }

var (
	_ Panel        = (*Kiosk)(nil)
	_ Health       = (*Kiosk)(nil)
	_ Confirmer    = (*Kiosk)(nil)
	_ Reporter     = (*Kiosk)(nil)
	_ http.Handler = (*Kiosk)(nil)
)

// NewKiosk makes a kiosk that serves nothing by itself: it is an http.Handler.
// The geometry's WidthMM over Width is the size of a device pixel.
func NewKiosk(g display.Geometry) (*Kiosk, error) {
	if _, err := display.Assess(g); err != nil {
		return nil, err
	}
	k := &Kiosk{
		g: g, now: time.Now, boot: strconv.FormatInt(time.Now().UnixNano(), 36),
		changed: make(chan struct{}), watch: map[*sub]bool{}, done: make(chan struct{}),
	}
	k.mux = k.routes()
	return k, nil
}

func (k *Kiosk) listen(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listening for the kiosk page: %w", err)
	}
	k.addr = l.Addr()
	k.server = &http.Server{Handler: k, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	go func() {
		if err := k.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			k.mu.Lock()
			k.watch = map[*sub]bool{}
			k.mu.Unlock()
		}
	}()
	go k.pinging()
	return nil
}

// Addr is where the page is served, with the port the system chose; nil when
// the kiosk does not listen itself.
func (k *Kiosk) Addr() net.Addr { return k.addr }

// URL of the page; "" when the kiosk does not listen itself.
func (k *Kiosk) URL() string {
	if k.addr == nil {
		return ""
	}
	return "http://" + k.addr.String() + "/"
}

// Show publishes a screen and returns at once: nil when a living browser has
// the page open (Confirm waits until it painted the screen), ErrUnwatched when
// none has. A mirror (?mirror=1) is not missed and returns nil.
func (k *Kiosk) Show(s display.Screen) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return errors.New("panel: showing on a closed kiosk")
	}
	if k.n == 0 || s != k.screen {
		k.n++
		k.screen = s
		k.drawn = nil
		k.notify()
		k.tell(message{event: "screen", n: k.n, state: s.State})
	}
	if s := k.truth(); !s.Alive && !k.mirror {
		return fmt.Errorf("panel: screen %d (%s): %w", k.n, k.screen.State, ErrUnwatched)
	}
	return nil
}

// notify wakes all that wait for a change; mu is held.
func (k *Kiosk) notify() {
	close(k.changed)
	k.changed = make(chan struct{})
}

// Health: alive while a page with an open event stream gives signs of life; a
// mirror is never missed.
func (k *Kiosk) Health() Status {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.truth()
	if k.mirror {
		s.Alive, s.Why, s.Confirmed = true, "", k.n > 0
	}
	return s
}

// truth is the health of the page itself; mu is held.
func (k *Kiosk) truth() Status {
	s := Status{Seen: k.seen}
	switch {
	case len(k.watch) == 0:
		s.Why = WhyUnwatched
	case k.seen.IsZero() || k.now().Sub(k.seen) > aliveFor:
		s.Why = WhyHung
	default:
		s.Alive = true
		s.Confirmed = k.n > 0 && k.shown == k.n
	}
	return s
}

// Confirm waits until a browser has painted the current screen.
func (k *Kiosk) Confirm(ctx context.Context) error {
	for {
		k.mu.Lock()
		n, shown, changed := k.n, k.shown, k.changed
		k.mu.Unlock()
		if n > 0 && (shown == n || k.mirror) {
			return nil
		}
		select {
		case <-changed:
		case <-k.done:
			return errors.New("panel: the kiosk was closed before its screen was confirmed")
		case <-ctx.Done():
			return fmt.Errorf("panel: waiting for a browser to show screen %d: %w", n, ctx.Err())
		}
	}
}

// Report judges the current screen in the page that confirmed last; before any
// did, by the configured geometry.
func (k *Kiosk) Report() display.Report {
	k.mu.Lock()
	s, n, view := k.screen, k.n, k.view
	k.mu.Unlock()
	d, err := k.draw(s, n, view.w, view.h)
	if err != nil {
		return display.Report{Why: []string{display.TooFewPixels}}
	}
	return d.report
}

// Close ends the event streams and the server.
func (k *Kiosk) Close() error {
	k.mu.Lock()
	if k.closed {
		k.mu.Unlock()
		return nil
	}
	k.closed = true
	close(k.done)
	k.mu.Unlock()
	if k.server == nil {
		return nil
	}
	if err := k.server.Close(); err != nil {
		return fmt.Errorf("closing the kiosk page: %w", err)
	}
	return nil
}
