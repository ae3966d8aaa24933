package register

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/chekomat/chekomat/testbench/fn"
	"github.com/chekomat/chekomat/testbench/register/faults"
)

func (r *Register) listenControl(addr string) error {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listen for control: %w", err)
	}
	r.control = ln
	r.http = &http.Server{Handler: r.Handler(), ReadHeaderTimeout: 10 * time.Second}
	r.group.Add(1)
	go func() {
		defer r.group.Done()
		_ = r.http.Serve(ln)
	}()
	return nil
}

// Handler is the control API:
//
//	GET  /archive   documents; ?from=ФД &type=receipt &key=… &fn=… &tlv=0
//	GET  /keys      how many documents carry each key
//	GET  /status    state of register and ФН, counts, register_ms
//	GET  /metrics   the same counts for Prometheus
//	GET  /fault     armed faults; POST adds one (JSON of Fault, or text as of --fault); DELETE drops all
//	POST /clock     {"jump":"24h","register_only":false}
func (r *Register) Handler() http.Handler {
	mux := http.NewServeMux()
	HandleArchive(mux, r.Archive)
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, r.Status()) })
	mux.HandleFunc("GET /metrics", r.getMetrics)
	r.faults.Handle(mux, r.Inject)
	mux.HandleFunc("POST /clock", r.postClock)
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

// Identity is who the register says it is now.
func (r *Register) Identity() Identity {
	r.dev.mu.Lock()
	defer r.dev.mu.Unlock()
	return Identity{r.dev.cfg.Serial, r.dev.fn.Serial(), r.dev.fn.Status().LastFD}
}

// Status is the state GET /status shows.
type Status struct {
	Protocol   string              `json:"protocol"`
	Serial     string              `json:"serial"`
	INN        string              `json:"inn"`
	RNM        string              `json:"rnm"`
	FN         string              `json:"fn"`
	Phase      fn.Phase            `json:"phase"`
	Mode       byte                `json:"mode"`
	Submode    byte                `json:"submode"`
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
	RegisterMS Quantiles           `json:"register_ms"`     // from 8Dh to the answer of FF45h
	BusyMS     int64               `json:"busy_ms"`
	UptimeMS   int64               `json:"uptime_ms"`
}

// Quantiles of a duration in milliseconds.
type Quantiles struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
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
		Protocol: "shtrih", Serial: d.cfg.Serial, INN: reg.INN, RNM: reg.RNM, FN: st.Serial, Phase: st.Phase,
		Mode: d.mode(), Submode: d.submode(), Clock: d.now(), LastFD: st.LastFD, Current: st.Current, Shift: d.fn.ShiftState(),
		Unsent: d.fn.Queue().Unsent, Warnings: st.Warn, ValidUntil: d.fn.ValidUntil(), Client: client, Off: off,
	}
	d.mu.Unlock()
	s.Struck = r.faults.Struck()
	s.RegisterMS = Quantiles{r.stats.quantile(0.5), r.stats.quantile(0.9), r.stats.quantile(0.99)}
	r.stats.mu.Lock()
	defer r.stats.mu.Unlock()
	s.Commands, s.Refused = byName(r.stats.commands), byName(r.stats.refused)
	s.Receipts, s.BusyMS, s.UptimeMS = r.stats.receipts, r.stats.busy.Milliseconds(), time.Since(r.stats.started).Milliseconds()
	return s
}

func byName(m map[uint16]int) map[string]int {
	out := map[string]int{}
	for code, n := range m {
		out[fmt.Sprintf("%02X", code)] = n
	}
	return out
}

func (r *Register) getMetrics(w http.ResponseWriter, _ *http.Request) {
	s := r.Status()
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	line := func(format string, a ...any) { _, _ = fmt.Fprintf(w, format+"\n", a...) }
	line("# TYPE register_commands_total counter")
	for code, n := range s.Commands {
		line("register_commands_total{command=%q} %d", code, n)
	}
	line("# TYPE register_receipts_total counter\nregister_receipts_total %d", s.Receipts)
	line("# TYPE register_busy_seconds_total counter\nregister_busy_seconds_total %g", float64(s.BusyMS)/1000)
	line("# TYPE register_unsent_documents gauge\nregister_unsent_documents %d", s.Unsent)
	line("# TYPE register_receipt_seconds summary")
	line("register_receipt_seconds{quantile=\"0.5\"} %g\nregister_receipt_seconds{quantile=\"0.99\"} %g", s.RegisterMS.P50/1000, s.RegisterMS.P99/1000)
}
