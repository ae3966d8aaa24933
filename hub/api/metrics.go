package api

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/chekomat/chekomat/hub/api/contract"
)

// exposition writes the text format of Prometheus, version 0.0.4.
type exposition struct{ w io.Writer }

func (e exposition) family(name, kind, help string) {
	fmt.Fprintf(e.w, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

var labelEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// value writes one sample; labels come in pairs.
func (e exposition) value(name string, v float64, labels ...string) {
	var b strings.Builder
	for i := 0; i+1 < len(labels); i += 2 {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(labels[i] + `="` + labelEscapes.Replace(labels[i+1]) + `"`)
	}
	if b.Len() > 0 {
		name += "{" + b.String() + "}"
	}
	fmt.Fprintln(e.w, name, strconv.FormatFloat(v, 'g', -1, 64))
}

var laneStates = []string{"starting", "ok", "busy", "unreachable", "shift", "fn_full", "fn_life_over", "config", "ambiguous", "manual", "disabled"}

// local says whether a request comes from this machine itself and not through
// a proxy on it.
func local(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	ip := net.ParseIP(host)
	return err == nil && ip != nil && ip.IsLoopback() && r.Header.Get("X-Forwarded-For") == "" && r.Header.Get("Forwarded") == ""
}

func (s *Server) metrics(w http.ResponseWriter, r *http.Request) {
	if !local(r) {
		c, err := s.caller(r)
		if err == nil && c.Operator != "" {
			err = refuse(http.StatusForbidden, "installation_only", "", "")
		}
		if err != nil {
			p, _ := asProblem(err)
			p.write(w, langOf(r))
			return
		}
	}
	sum, err := s.o.Store.Summary(r.Context(), "")
	if err != nil {
		s.o.Log.Error("metrics cannot be read", "error", err)
		http.Error(w, "the database cannot be read", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	e := exposition{w}
	s.writeCounts(e, sum)
	s.writeLanes(r.Context(), e, sum)
	s.writeOutlooks(r.Context(), e)
	s.writeMeasures(e)
	for _, more := range s.o.Metrics {
		more(w)
	}
}

func (s *Server) writeCounts(e exposition, sum contract.Summary) {
	for _, m := range []struct {
		name, kind, help string
		of               func(contract.OperatorSummary) int64
	}{
		{"chekomat_records_total", "counter", "Records of agents stored", func(o contract.OperatorSummary) int64 { return o.Records }},
		{"chekomat_sales_total", "counter", "Records that are sales", func(o contract.OperatorSummary) int64 { return o.Sales }},
		{"chekomat_receipts_total", "counter", "Receipts and refunds made", func(o contract.OperatorSummary) int64 { return o.Receipts }},
		{"chekomat_records_held", "gauge", "Records that wait for a person", func(o contract.OperatorSummary) int64 { return o.HeldRecords }},
		{"chekomat_records_missing", "gauge", "Records of journals the hub has a hole for", func(o contract.OperatorSummary) int64 { return o.Missing }},
		{"chekomat_quarantine_open", "gauge", "Messages that could not be taken in", func(o contract.OperatorSummary) int64 { return o.Quarantine }},
		{"chekomat_incidents_open", "gauge", "Open incidents", func(o contract.OperatorSummary) int64 { return o.Incidents }},
		{"chekomat_alarms_open", "gauge", "Open incidents of severity alarm", func(o contract.OperatorSummary) int64 { return o.Alarms }},
		{"chekomat_machines", "gauge", "Machines", func(o contract.OperatorSummary) int64 { return o.Machines }},
		{"chekomat_agents", "gauge", "Agents bound to a machine", func(o contract.OperatorSummary) int64 { return o.Agents }},
		{"chekomat_agents_online", "gauge", "Agents with a connection", func(o contract.OperatorSummary) int64 { return o.AgentsOnline }},
	} {
		e.family(m.name, m.kind, m.help)
		for _, o := range sum.Operators {
			e.value(m.name, float64(m.of(o)), "operator", o.ID)
		}
	}
	e.family("chekomat_jobs", "gauge", "Jobs by state")
	for _, o := range sum.Operators {
		q := o.Queue
		for _, v := range []struct {
			state string
			n     int64
		}{{"queued", q.Queued}, {"in_flight", q.InFlight}, {"resolving", q.Resolving}, {"held", q.Held}, {"done", q.Done}, {"void", q.Void}} {
			e.value("chekomat_jobs", float64(v.n), "operator", o.ID, "state", v.state)
		}
	}
	e.family("chekomat_oldest_job_age_seconds", "gauge", "Age of the oldest sale whose document is on its way; 0 none")
	for _, o := range sum.Operators {
		age := 0.0
		if !o.Queue.OldestAt.IsZero() {
			age = max(0, sum.At.Sub(o.Queue.OldestAt).Seconds())
		}
		e.value("chekomat_oldest_job_age_seconds", age, "operator", o.ID)
	}
}

func (s *Server) writeLanes(ctx context.Context, e exposition, sum contract.Summary) {
	e.family("chekomat_lane_state", "gauge", "1 for the state the lane is in")
	for _, l := range sum.Lanes {
		for _, state := range laneStates {
			v := 0.0
			if l.State == state {
				v = 1
			}
			e.value("chekomat_lane_state", v, "operator", l.Operator, "lane", l.ID, "name", l.Name, "state", state)
		}
	}
	if s.o.Broker != nil {
		e.family("chekomat_broker_connections", "gauge", "Agents connected to this hub's broker")
		e.value("chekomat_broker_connections", float64(s.o.Broker.Connected()))
	}
	if free, err := s.diskFree(); err == nil && s.o.Data != "" {
		e.family("chekomat_disk_free_bytes", "gauge", "Free space where the database is")
		e.value("chekomat_disk_free_bytes", float64(free))
	}
}

func (s *Server) writeMeasures(e exposition) {
	m := s.rate
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sale.Write(e.w)
	m.arrival.Write(e.w)
	e.family(registerSeconds, "histogram", "One attempt on the register")
	lanes := make([]string, 0, len(m.register))
	for lane := range m.register {
		lanes = append(lanes, lane)
	}
	slices.Sort(lanes)
	for _, lane := range lanes {
		m.register[lane].samples(e)
	}
}

// WriteFigure writes one figure in Prometheus's text format; kind is counter or
// gauge.
func WriteFigure(w io.Writer, name, kind, help string, v float64) {
	e := exposition{w}
	e.family(name, kind, help)
	e.value(name, v)
}
