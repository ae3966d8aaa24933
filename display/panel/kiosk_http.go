package panel

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/chekomat/chekomat/display"
)

//go:embed kiosk
var page embed.FS

func (k *Kiosk) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", k.asset("kiosk/kiosk.html", "text/html; charset=utf-8"))
	mux.HandleFunc("GET /kiosk.js", k.asset("kiosk/kiosk.js", "text/javascript; charset=utf-8"))
	mux.HandleFunc("GET /kiosk.css", k.asset("kiosk/kiosk.css", "text/css; charset=utf-8"))
	mux.HandleFunc("GET /events", k.events)
	mux.HandleFunc("GET /screen.png", k.picture)
	mux.HandleFunc("GET /screen.json", k.words)
	mux.HandleFunc("POST /shown", k.confirm)
	return mux
}

// ServeHTTP serves the page. A kiosk on loopback answers to loopback names
// only, so that no page of another site reaches it by a name of its own.
func (k *Kiosk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if tcp, ok := k.addr.(*net.TCPAddr); ok && tcp.IP.IsLoopback() && !loopbackName(r.Host) {
		http.Error(w, "this page is for this device only", http.StatusForbidden)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob: data:; frame-ancestors 'self'")
	k.mux.ServeHTTP(w, r)
}

func loopbackName(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	ip := net.ParseIP(name)
	return name == "localhost" || ip != nil && ip.IsLoopback()
}

func (k *Kiosk) asset(name, kind string) http.HandlerFunc {
	data, err := page.ReadFile(name)
	if err != nil {
		panic("panel: the page lacks " + name)
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.Write(data)
	}
}

// A drawing is the screen as drawn for one size of page.
type drawing struct {
	n      uint64
	w, h   int
	png    []byte
	report display.Report
}

// keptDrawings bounds the memory for pages of different sizes.
const keptDrawings = 3

// geometry of a page of w × h device pixels; zeros mean the configured one.
func (k *Kiosk) geometry(w, h int) display.Geometry {
	if w == 0 || h == 0 {
		return k.g
	}
	g := k.g
	g.WidthMM = k.g.WidthMM / float64(k.g.Width) * float64(w)
	g.Width, g.Height = w, h
	return g
}

// draw renders outside the lock, so that a slow picture never delays Show.
func (k *Kiosk) draw(s display.Screen, n uint64, w, h int) (drawing, error) {
	k.mu.Lock()
	for _, d := range k.drawn {
		if d.n == n && d.w == w && d.h == h && k.screen == s {
			k.mu.Unlock()
			return d, nil
		}
	}
	k.mu.Unlock()
	img, report, err := display.Render(s, k.geometry(w, h))
	if err != nil {
		return drawing{}, err
	}
	data, err := encode(img)
	if err != nil {
		return drawing{}, err
	}
	d := drawing{n: n, w: w, h: h, png: data, report: report}
	k.mu.Lock()
	defer k.mu.Unlock()
	if n != 0 && n == k.n {
		if len(k.drawn) == keptDrawings {
			k.drawn = k.drawn[1:]
		}
		k.drawn = append(k.drawn, d)
	}
	return d, nil
}

// asked reads the size a page asks for and draws the current screen for it.
func (k *Kiosk) asked(w http.ResponseWriter, r *http.Request) (display.Screen, drawing, bool) {
	size := extent{}
	q := r.URL.Query()
	for name, into := range map[string]*int{"w": &size.w, "h": &size.h} {
		text := q.Get(name)
		if text == "" {
			continue
		}
		v, err := strconv.Atoi(text)
		if err != nil || v < 1 {
			http.Error(w, fmt.Sprintf("%s=%s is no number of pixels", name, text), http.StatusBadRequest)
			return display.Screen{}, drawing{}, false
		}
		*into = v
	}
	k.mu.Lock()
	s, n := k.screen, k.n
	k.mu.Unlock()
	if n == 0 {
		s = display.Screen{State: display.OutOfService, Reason: display.ReasonStarting}
	}
	d, err := k.draw(s, n, size.w, size.h)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return s, d, false
	}
	w.Header().Set("X-Chekomat-Screen", k.boot+"."+strconv.FormatUint(n, 10))
	w.Header().Set("X-Chekomat-State", string(s.State))
	return s, d, true
}

// picture is GET /screen.png?w=&h=: the current screen for a page of w × h
// device pixels.
func (k *Kiosk) picture(w http.ResponseWriter, r *http.Request) {
	_, d, ok := k.asked(w, r)
	if !ok {
		return
	}
	w.Header().Set("Content-Type", "image/png")
	w.Header().Set("Content-Length", strconv.Itoa(len(d.png)))
	w.Write(d.png)
}

// words is GET /screen.json: what the picture says, for screen readers, tests
// and whoever looks after the machine. Money is in kopecks.
func (k *Kiosk) words(w http.ResponseWriter, r *http.Request) {
	s, d, ok := k.asked(w, r)
	if !ok {
		return
	}
	k.mu.Lock()
	health := k.truth()
	k.mu.Unlock()
	texts := []string{}
	for _, t := range d.report.Texts {
		texts = append(texts, t.Text)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{ // an error means that the browser has gone
		"boot": k.boot, "n": d.n, "state": s.State, "machine": s.Machine, "seller": s.Seller, "item": s.Item,
		"amount": s.Amount, "qr": s.QR, "receipt": s.Receipt, "reason": s.Reason, "lang": s.Lang, "test": s.Test,
		"at": stamp(s.At), "texts": texts,
		"may_stand_for_receipt": d.report.MayStandForReceipt, "why": d.report.Why, "size_checked": d.report.SizeChecked,
		"symbol": symbolJSON(d.report.Symbol),
		"alive":  health.Alive, "confirmed": health.Confirmed, "alive_why": health.Why,
	})
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

func symbolJSON(s *display.Symbol) any {
	if s == nil {
		return nil
	}
	return map[string]any{
		"version": s.Version, "level": s.Level, "modules": s.Modules, "module_px": s.ModulePx, "mm": s.MM,
		"x": s.Box.Min.X, "y": s.Box.Min.Y, "side": s.Box.Dx(),
	}
}

// shownMessage is what a page says after painting.
type shownMessage struct {
	Boot string `json:"boot"`
	N    uint64 `json:"n"`
	W    int    `json:"w"`
	H    int    `json:"h"`
}

// confirm is POST /shown: a page says in an animation frame what it has painted.
func (k *Kiosk) confirm(w http.ResponseWriter, r *http.Request) {
	if o := r.Header.Get("Origin"); o != "" && !sameHost(o, r.Host) {
		http.Error(w, "only the kiosk page itself may confirm", http.StatusForbidden)
		return
	}
	var m shownMessage
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1024))
	if err == nil {
		err = json.Unmarshal(body, &m)
	}
	if err == nil && (m.W < 1 || m.H < 1) {
		err = errors.New("w and h are missing")
	}
	if err == nil {
		_, err = display.Assess(k.geometry(m.W, m.H))
	}
	if err != nil {
		http.Error(w, "reading the confirmation: "+err.Error(), http.StatusBadRequest)
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if m.Boot != k.boot || m.N > k.n {
		http.Error(w, "no such screen since this device started", http.StatusConflict)
		return
	}
	k.seen = k.now()
	k.view = extent{m.W, m.H}
	if m.N > k.shown {
		k.shown = m.N
	}
	k.notify()
	w.WriteHeader(http.StatusNoContent)
}

func sameHost(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Host == host
}
