package panel

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chekomat/chekomat/display"
)

const qr = "t=20260115T1432&s=85.00&fn=9999078902001234&i=57&fp=1234567890&n=1"

var (
	small   = display.Geometry{Width: 240, Height: 240, WidthMM: 27.7}
	forming = display.Screen{State: display.Forming, Machine: "A-1", Item: "Кофе", Amount: 8500}
	receipt = display.Screen{State: display.ReceiptReady, Machine: "A-1", Item: "Кофе", Amount: 8500, QR: qr, Receipt: "ФД 57 · 15.01.2026 14:32"}
)

// clock is a kiosk's time in tests; read and set with the kiosk's lock held.
type clock struct{ t time.Time }

func newKiosk(t *testing.T, g display.Geometry) (*Kiosk, *clock, *httptest.Server) {
	t.Helper()
	k, err := NewKiosk(g)
	if err != nil {
		t.Fatal(err)
	}
	c := &clock{time.Date(2026, 1, 15, 14, 32, 0, 0, time.UTC)}
	k.now = func() time.Time { return c.t }
	srv := httptest.NewServer(k)
	t.Cleanup(func() {
		_ = k.Close()
		srv.Close()
	})
	return k, c, srv
}

func (c *clock) pass(k *Kiosk, d time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	c.t = c.t.Add(d)
}

// events reads a stream as a browser does.
type events struct {
	t    *testing.T
	body io.ReadCloser
	in   *bufio.Scanner
}

type event struct {
	Name  string
	Boot  string
	N     uint64
	State display.State
}

func watch(t *testing.T, srv *httptest.Server) *events {
	t.Helper()
	res, err := http.Get(srv.URL + "/events")
	if err != nil {
		t.Fatal(err)
	}
	if ct := res.Header.Get("Content-Type"); ct != "text/event-stream" {
		t.Fatalf("events come as %q", ct)
	}
	t.Cleanup(func() { res.Body.Close() })
	return &events{t, res.Body, bufio.NewScanner(res.Body)}
}

// next blocks until an event comes; ok is false when the stream ended.
func (e *events) next() (ev event, ok bool) {
	e.t.Helper()
	for e.in.Scan() {
		line := e.in.Text()
		switch {
		case strings.HasPrefix(line, "event: "):
			ev.Name = line[7:]
		case strings.HasPrefix(line, "data: "):
			if err := json.Unmarshal([]byte(line[6:]), &ev); err != nil {
				e.t.Fatal(err)
			}
		case line == "" && ev.Name != "":
			return ev, true
		}
	}
	return ev, false
}

func (e *events) want(name string, n uint64, s display.State) event {
	e.t.Helper()
	ev, ok := e.next()
	if !ok || ev.Name != name || ev.N != n || ev.State != s {
		e.t.Fatalf("event %+v (%v), want %s %d %s", ev, ok, name, n, s)
	}
	return ev
}

func say(t *testing.T, srv *httptest.Server, body string, header ...string) int {
	t.Helper()
	req, err := http.NewRequest("POST", srv.URL+"/shown", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

func shown(boot string, n uint64) string {
	return fmt.Sprintf(`{"boot":%q,"n":%d,"w":240,"h":240}`, boot, n)
}

func TestKioskLife(t *testing.T) {
	k, c, srv := newKiosk(t, small)
	if err := k.Show(forming); !errors.Is(err, ErrUnwatched) {
		t.Fatalf("without a browser Show says %v", err)
	}
	if s := k.Health(); s.Alive || s.Why != WhyUnwatched {
		t.Fatalf("health without a browser: %+v", s)
	}

	e := watch(t, srv)
	boot := e.want("screen", 1, display.Forming).Boot
	if s := k.Health(); s.Alive || s.Why != WhyHung {
		t.Fatalf("health of a browser that never painted: %+v", s)
	}
	if code := say(t, srv, shown(boot, 1)); code != http.StatusNoContent {
		t.Fatalf("a confirmation got %d", code)
	}
	if s := k.Health(); !s.Alive || !s.Confirmed || !s.Seen.Equal(c.t) {
		t.Fatalf("health after a confirmation: %+v", s)
	}

	if err := k.Show(receipt); err != nil {
		t.Fatal(err)
	}
	e.want("screen", 2, display.ReceiptReady)
	if s := k.Health(); !s.Alive || s.Confirmed {
		t.Fatalf("the new screen counts as seen: %+v", s)
	}
	late, cancel := context.WithCancel(context.Background())
	cancel()
	if err := k.Confirm(late); !errors.Is(err, context.Canceled) {
		t.Fatalf("Confirm of an unseen screen: %v", err)
	}
	done := make(chan error, 1)
	go func() { done <- k.Confirm(context.Background()) }()
	say(t, srv, shown(boot, 2))
	if err := <-done; err != nil {
		t.Fatal(err)
	}

	if err := k.Show(receipt); err != nil { // the same again is no new screen
		t.Fatal(err)
	}
	k.ping()
	e.want("ping", 2, display.ReceiptReady)

	c.pass(k, aliveFor+time.Second)
	if s := k.Health(); s.Alive || s.Why != WhyHung {
		t.Fatalf("a browser that stopped confirming: %+v", s)
	}
	if err := k.Show(forming); !errors.Is(err, ErrUnwatched) {
		t.Fatalf("Show to a hung browser says %v", err)
	}
	e.want("screen", 3, display.Forming)
	_ = k.Close()
	if err := k.Show(receipt); err == nil {
		t.Fatal("a closed kiosk showed a screen")
	}
	if ev, ok := e.next(); ok {
		t.Fatalf("a closed kiosk sent %+v", ev)
	}
}

func TestKioskConfirmationsRefused(t *testing.T) {
	k, _, srv := newKiosk(t, small)
	_ = k.Show(forming) // nobody watches
	for _, c := range []struct {
		name, body string
		header     []string
		code       int
	}{
		{"no JSON", "hello", nil, 400},
		{"empty", "", nil, 400},
		{"no size", fmt.Sprintf(`{"boot":%q,"n":1}`, k.boot), nil, 400},
		{"absurd size", fmt.Sprintf(`{"boot":%q,"n":1,"w":99999,"h":2}`, k.boot), nil, 400},
		{"huge", strings.Repeat(" ", 5000) + shown(k.boot, 1), nil, 400},
		{"another boot", shown("older", 1), nil, 409},
		{"a screen to come", shown(k.boot, 2), nil, 409},
		{"another site", shown(k.boot, 1), []string{"Origin", "http://example.org"}, 403},
	} {
		if code := say(t, srv, c.body, c.header...); code != c.code {
			t.Errorf("%s: %d, want %d", c.name, code, c.code)
		}
	}
	if s := k.Health(); !s.Seen.IsZero() || s.Confirmed {
		t.Errorf("a refused confirmation counted: %+v", s)
	}
	if code := say(t, srv, shown(k.boot, 1), "Origin", srv.URL); code != 204 {
		t.Errorf("the page itself got %d", code)
	}
}

func get(t *testing.T, url string) (*http.Response, []byte) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, body
}

func TestKioskPictureFollowsThePage(t *testing.T) {
	k, _, srv := newKiosk(t, small)
	_ = k.Show(receipt) // nobody watches
	for _, c := range []struct {
		query string
		w, h  int
	}{{"", 240, 240}, {"?w=480&h=320&n=1", 480, 320}, {"?w=161&h=277", 161, 277}} {
		res, body := get(t, srv.URL+"/screen.png"+c.query)
		img, err := png.Decode(bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if b := img.Bounds(); b.Dx() != c.w || b.Dy() != c.h {
			t.Errorf("%q gives %v", c.query, b)
		}
		if got := res.Header.Get("X-Chekomat-Screen"); got != k.boot+".1" {
			t.Errorf("%q is screen %q", c.query, got)
		}
		if cc := res.Header.Get("Cache-Control"); cc != "no-store" {
			t.Errorf("%q may be cached: %q", c.query, cc)
		}
	}
	for _, q := range []string{"?w=x&h=1", "?w=-5&h=100", "?w=100000&h=100000", "?w=8&h=8"} {
		if res, _ := get(t, srv.URL+"/screen.png"+q); res.StatusCode != 400 {
			t.Errorf("%s: %d", q, res.StatusCode)
		}
	}
	if len(k.drawn) > keptDrawings {
		t.Errorf("%d pictures kept", len(k.drawn))
	}
}

// The size in millimetres belongs to the page's own pixels, not to the
// configured panel.
func TestKioskReportIsThePages(t *testing.T) {
	k, _, srv := newKiosk(t, small)
	if err := k.Show(receipt); !errors.Is(err, ErrUnwatched) {
		t.Fatal(err)
	}
	if r := k.Report(); !r.MayStandForReceipt || !r.SizeChecked {
		t.Fatalf("configured panel: %+v", r)
	}
	say(t, srv, fmt.Sprintf(`{"boot":%q,"n":1,"w":240,"h":120}`, k.boot))
	if r := k.Report(); r.MayStandForReceipt || r.Why[0] != display.TooFewPixels {
		t.Fatalf("half the panel is covered: %+v", r)
	}
	say(t, srv, fmt.Sprintf(`{"boot":%q,"n":1,"w":170,"h":170}`, k.boot))
	if r := k.Report(); r.MayStandForReceipt || r.Why[0] != display.TooSmall {
		t.Fatalf("a window of 19.6 mm: %+v", r)
	}
}

func TestKioskWords(t *testing.T) {
	k, _, srv := newKiosk(t, small)
	_, body := get(t, srv.URL+"/screen.json")
	var before struct {
		N      uint64 `json:"n"`
		State  string `json:"state"`
		Reason string `json:"reason"`
	}
	if err := json.Unmarshal(body, &before); err != nil || before.N != 0 || before.Reason != display.ReasonStarting {
		t.Fatalf("before the first screen: %s (%v)", body, err)
	}
	_ = k.Show(receipt) // nobody watches
	_, body = get(t, srv.URL+"/screen.json")
	var got struct {
		N      uint64   `json:"n"`
		QR     string   `json:"qr"`
		Amount int64    `json:"amount"`
		May    bool     `json:"may_stand_for_receipt"`
		Texts  []string `json:"texts"`
		Symbol struct {
			MM float64 `json:"mm"`
		} `json:"symbol"`
		Alive bool `json:"alive"`
	}
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	if got.N != 1 || got.QR != qr || got.Amount != 8500 || !got.May || got.Symbol.MM < 20 || len(got.Texts) == 0 || got.Alive {
		t.Errorf("%s", body)
	}
}

func TestKioskPageNeedsNothingElse(t *testing.T) {
	_, _, srv := newKiosk(t, small)
	res, body := get(t, srv.URL+"/")
	if res.StatusCode != 200 || !strings.Contains(string(body), "Нет связи с устройством") {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
	if csp := res.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") {
		t.Errorf("policy %q", csp)
	}
	for _, path := range []string{"/", "/kiosk.js", "/kiosk.css"} {
		res, body := get(t, srv.URL+path)
		if res.StatusCode != 200 || strings.Contains(string(body), "//") && strings.Contains(string(body), "http") {
			t.Errorf("%s: %d, or it names another server", path, res.StatusCode)
		}
	}
	if res, _ := get(t, srv.URL+"/nothing"); res.StatusCode != 404 {
		t.Errorf("an unknown path: %d", res.StatusCode)
	}
}

// A browser that takes no events holds up neither Show nor the other pages.
func TestKioskHungBrowserBlocksNobody(t *testing.T) {
	k, _, srv := newKiosk(t, small)
	stuck := k.subscribe() // never read
	e := watch(t, srv)
	e.want("screen", 0, "")
	for i := range 200 {
		s := forming
		s.Amount = int64(i + 1)
		_ = k.Show(s) // nobody confirms
		k.ping()
	}
	for {
		ev, ok := e.next()
		if !ok {
			t.Fatal("the other page lost its stream")
		}
		if ev.N == 200 {
			break
		}
	}
	// What waits for the hung page is the newest screen, not a ping.
	if m := <-stuck.box; m.event != "screen" || m.n != 200 {
		t.Errorf("a page that wakes up gets %+v", m)
	}
}

func TestKioskOldestStreamGivesWay(t *testing.T) {
	k, _, srv := newKiosk(t, small)
	first := watch(t, srv)
	first.want("screen", 0, "")
	for range maxStreams {
		e := watch(t, srv)
		e.want("screen", 0, "")
	}
	if ev, ok := first.next(); ok {
		t.Fatalf("the oldest stream got %+v", ev)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.watch) > maxStreams {
		t.Errorf("%d streams open", len(k.watch))
	}
}

func TestKioskListens(t *testing.T) {
	p, err := Open("kiosk://127.0.0.1:0/", small)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	k := p.(*Kiosk)
	if res, _ := get(t, k.URL()); res.StatusCode != 200 {
		t.Fatalf("%s answers %d", k.URL(), res.StatusCode)
	}
	req, _ := http.NewRequest("GET", k.URL()+"screen.json", nil)
	req.Host = "rebound.example.org"
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("a foreign name got %d", res.StatusCode)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatalf("closing twice: %v", err)
	}
}

func TestKioskMirrorIsNotMissed(t *testing.T) {
	p, err := Open("kiosk://127.0.0.1:0/?mirror=1", small)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	if err := p.Show(forming); err != nil {
		t.Errorf("a mirror without a browser: %v", err)
	}
	if s := HealthOf(p); !s.Alive || !s.Confirmed {
		t.Errorf("health of a mirror: %+v", s)
	}
	if err := p.(Confirmer).Confirm(context.Background()); err != nil {
		t.Error(err)
	}
}
