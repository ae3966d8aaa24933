package pirit

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/chekomat/chekomat/testbench/fn"
	"github.com/chekomat/chekomat/testbench/register"
	"github.com/chekomat/chekomat/testbench/register/faults"
)

func (r *Register) listenControl(addr string) error {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listen for control: %w", err)
	}
	r.control = ln
	r.http = &http.Server{Handler: r.Handler(), ReadHeaderTimeout: 10 * time.Second}
	r.group.Go(func() { _ = r.http.Serve(ln) })
	return nil
}

// Handler is the control API, the same as of the other emulated registers:
//
//	GET  /archive   documents; ?from=ФД &type=receipt &key=… &fn=… &tlv=0
//	GET  /keys      documents by key
//	GET  /status    state of register and ФН, counts, register_ms
//	GET  /fault     armed faults; POST adds one; DELETE drops all
//	POST /clock     {"jump":"24h","register_only":false}
func (r *Register) Handler() http.Handler {
	mux := http.NewServeMux()
	register.HandleArchive(mux, r.Archive)
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, r.Status()) })
	mux.HandleFunc("POST /clock", r.postClock)
	r.faults.Handle(mux, r.Inject)
	return mux
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(v)
}

// Archive returns every document of every ФН of this register.
func (r *Register) Archive() []fn.Document { return r.dev.archive() }

func (r *Register) postClock(w http.ResponseWriter, q *http.Request) {
	var body struct {
		Jump         faults.Delay `json:"jump"`
		RegisterOnly bool         `json:"register_only"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, q.Body, 1<<16)).Decode(&body); err != nil {
		http.Error(w, `{"jump":"24h","register_only":false} wanted: `+err.Error(), http.StatusBadRequest)
		return
	}
	if err := r.Jump(time.Duration(body.Jump), body.RegisterOnly); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	writeJSON(w, r.Status())
}

// Status is the state GET /status shows; the names are those of the other
// emulated registers.
type Status struct {
	Protocol   string              `json:"protocol"`
	Model      string              `json:"model"`
	Serial     string              `json:"serial"`
	INN        string              `json:"inn"`
	RNM        string              `json:"rnm"`
	FN         string              `json:"fn"`
	Phase      fn.Phase            `json:"phase"`
	Started    bool                `json:"started"`
	Document   int                 `json:"document"` // as the third field of 00h
	Clock      time.Time           `json:"clock"`
	LastFD     uint32              `json:"last_fd"`
	Current    fn.Current          `json:"current_document"`
	Shift      fn.Shift            `json:"shift"`
	Unsent     int                 `json:"unsent"`
	Warnings   byte                `json:"warnings"`
	ValidUntil time.Time           `json:"valid_until"`
	Client     bool                `json:"client"`
	Off        bool                `json:"off"`
	Commands   map[string]int      `json:"commands"`
	Refused    map[string]int      `json:"refused"`
	Struck     map[faults.Kind]int `json:"faults_struck"`
	Receipts   int                 `json:"receipts_closed"` // since the start
	RegisterMS register.Quantiles  `json:"register_ms"`     // from 30h to the answer of 31h
	BusyMS     int64               `json:"busy_ms"`
	UptimeMS   int64               `json:"uptime_ms"`
}

// Status reads the state.
func (r *Register) Status() Status {
	r.mu.Lock()
	client, off := r.session != nil, r.isOff()
	r.mu.Unlock()
	d := r.dev
	d.mu.Lock()
	st := d.fn.Status()
	reg, _ := d.fn.Registered()
	s := Status{
		Protocol: "pirit", Model: d.cfg.Model, Serial: d.nv.Serial, INN: reg.INN, RNM: reg.RNM, FN: st.Serial, Phase: st.Phase,
		Started: d.started, Document: d.documentStatus(), Clock: d.now(), LastFD: st.LastFD, Current: st.Current, Shift: d.fn.ShiftState(),
		Unsent: d.fn.Queue().Unsent, Warnings: st.Warn, ValidUntil: d.fn.ValidUntil(), Client: client, Off: off,
	}
	d.mu.Unlock()
	s.Struck = r.faults.Struck()
	r.stats.fill(&s)
	return s
}

// stats are counts and times of commands.
type stats struct {
	mu       sync.Mutex
	commands map[byte]int
	refused  map[byte]int
	opened   time.Time // 30h of the receipt in work
	samples  []time.Duration
	next     int
	receipts int
	started  time.Time
	busy     time.Duration
}

func newStats() *stats {
	return &stats{commands: map[byte]int{}, refused: map[byte]int{}, started: time.Now()}
}

const keptSamples = 8192

func (s *stats) begin(code byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commands[code]++
	if code == 0x30 {
		s.opened = time.Now()
	}
}

func (s *stats) end(code, err byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != 0:
		s.refused[code]++
		return
	case code != 0x31:
		return
	}
	s.receipts++
	if s.opened.IsZero() {
		return
	}
	took := time.Since(s.opened)
	s.opened, s.busy = time.Time{}, s.busy+took
	if len(s.samples) < keptSamples {
		s.samples = append(s.samples, took)
	} else {
		s.samples[s.next%keptSamples] = took
	}
	s.next++
}

func (s *stats) fill(to *Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	byName := func(m map[byte]int) map[string]int {
		out := map[string]int{}
		for code, n := range m {
			out[hex2(code)] = n
		}
		return out
	}
	to.Commands, to.Refused = byName(s.commands), byName(s.refused)
	to.Receipts, to.BusyMS, to.UptimeMS = s.receipts, s.busy.Milliseconds(), time.Since(s.started).Milliseconds()
	sorted := slices.Clone(s.samples)
	slices.Sort(sorted)
	at := func(q float64) float64 {
		if len(sorted) == 0 {
			return 0
		}
		return float64(sorted[min(int(q*float64(len(sorted))), len(sorted)-1)].Microseconds()) / 1000
	}
	to.RegisterMS = register.Quantiles{P50: at(0.5), P90: at(0.9), P99: at(0.99)}
}
