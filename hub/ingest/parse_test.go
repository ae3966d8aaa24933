package ingest_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/hub/ingest"
)

var limits = ingest.Limits{Amount: 100_000_00}

func TestParse(t *testing.T) {
	edit := func(fn func(*wire.Record)) func() wire.Record {
		return func() wire.Record {
			r := sale("j1", 7)
			fn(&r)
			return r
		}
	}
	for _, c := range []struct {
		name   string
		record func() wire.Record
		code   string
		seq    int64
	}{
		{"a sale", edit(func(*wire.Record) {}), "", 7},
		{"the most that is believed", edit(func(r *wire.Record) { r.Sale.Amount.Minor, r.Sale.Parts[0].Minor = 100_000_00, 100_000_00 }), "", 7},
		{"one kopeck more", edit(func(r *wire.Record) { r.Sale.Amount.Minor, r.Sale.Parts[0].Minor = 100_000_01, 100_000_01 }), wire.RefusedAmount, 7},
		{"amount below nothing", edit(func(r *wire.Record) { r.Sale.Amount.Minor, r.Sale.Parts[0].Minor = -1, -1 }), wire.RefusedFormat, 7},
		{"amount not known", edit(func(r *wire.Record) { r.Sale.Amount = wire.Money{Raw: 50} }), "", 7},
		{"no parts", edit(func(r *wire.Record) { r.Sale.Parts = nil }), "", 7},
		{"parts too small", edit(func(r *wire.Record) { r.Sale.Parts[0].Minor = 4999 }), wire.RefusedFormat, 7},
		{"parts too big", edit(func(r *wire.Record) { r.Sale.Parts = append(r.Sale.Parts, r.Sale.Parts[0]) }), wire.RefusedFormat, 7},
		{"parts that overflow", edit(func(r *wire.Record) {
			r.Sale.Parts = []wire.Part{{Source: "cash", Kind: "cash", Minor: 1 << 62}, {Source: "cash", Kind: "cash", Minor: 1 << 62},
				{Source: "cash", Kind: "cash", Minor: 1 << 62}, {Source: "cash", Kind: "cash", Minor: 1<<62 + 5000}}
		}), wire.RefusedFormat, 7},
		{"unknown source", edit(func(r *wire.Record) { r.Sale.Parts[0].Source = "reader3" }), wire.RefusedFormat, 7},
		{"unknown kind of payment", edit(func(r *wire.Record) { r.Sale.Parts[0].Kind = "token" }), wire.RefusedFormat, 7},
		{"unknown class", edit(func(r *wire.Record) { r.Sale.Class = "E" }), wire.RefusedFormat, 7},
		{"unknown channel", edit(func(r *wire.Record) { r.Sale.Channel = "" }), wire.RefusedFormat, 7},
		{"unknown kind", edit(func(r *wire.Record) { r.Kind = "gift" }), wire.RefusedFormat, 7},
		{"sale without a sale", edit(func(r *wire.Record) { r.Sale = nil }), wire.RefusedFormat, 7},
		{"newer version", edit(func(r *wire.Record) { r.V = 2 }), wire.RefusedVersion, 7},
		{"no version", edit(func(r *wire.Record) { r.V = 0 }), wire.RefusedVersion, 7},
		{"seq 0", edit(func(r *wire.Record) { r.Seq = 0 }), wire.RefusedFormat, 0},
		{"seq below 0", edit(func(r *wire.Record) { r.Seq = -3 }), wire.RefusedFormat, -3},
		{"seq beyond JSON", edit(func(r *wire.Record) { r.Seq = 1<<53 + 1 }), wire.RefusedFormat, 0},
		{"journal no id", edit(func(r *wire.Record) { r.Journal = "a/b" }), wire.RefusedFormat, 7},
		{"journal empty", edit(func(r *wire.Record) { r.Journal = "" }), wire.RefusedFormat, 7},
		{"journal too long", edit(func(r *wire.Record) { r.Journal = strings.Repeat("j", 65) }), wire.RefusedFormat, 7},
		{"reversal", edit(func(r *wire.Record) { r.Kind, r.Sale, r.Of = wire.KindReversal, nil, 3 }), "", 7},
		{"reversal of nothing", edit(func(r *wire.Record) { r.Kind, r.Of = wire.KindReversal, 0 }), wire.RefusedFormat, 7},
		{"reversal of the future", edit(func(r *wire.Record) { r.Kind, r.Of = wire.KindReversal, 7 }), wire.RefusedFormat, 7},
		{"gap", edit(func(r *wire.Record) { r.Kind, r.Sale, r.Gap = wire.KindGap, nil, &wire.Gap{Reason: "agent_down"} }), "", 7},
		{"gap without a reason", edit(func(r *wire.Record) { r.Kind, r.Gap = wire.KindGap, &wire.Gap{} }), wire.RefusedFormat, 7},
		{"incident", edit(func(r *wire.Record) {
			r.Kind, r.Sale, r.Incident = wire.KindIncident, nil, &wire.Incident{Code: "bus_dead"}
		}), "", 7},
		{"incident with a bad code", edit(func(r *wire.Record) { r.Kind, r.Incident = wire.KindIncident, &wire.Incident{Code: "Bus dead"} }), wire.RefusedFormat, 7},
		{"incident with an absurd sale", edit(func(r *wire.Record) {
			s := *r.Sale
			s.Amount.Minor = 1 << 40
			s.Parts = nil
			r.Kind, r.Sale, r.Incident = wire.KindIncident, nil, &wire.Incident{Code: "x", Sale: &s}
		}), wire.RefusedAmount, 7},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := ingest.Parse(message(t, c.record()), 1000, limits)
			if a.Code != c.code || a.Seq != c.seq {
				t.Errorf("code %q (%s), seq %d; want %q, %d", a.Code, a.Detail, a.Seq, c.code, c.seq)
			}
			if (a.Code == "") != (a.Detail == "") {
				t.Errorf("code %q with detail %q", a.Code, a.Detail)
			}
		})
	}
}

func TestParseMessages(t *testing.T) {
	body := string(encode(t, sale("j1", 7)))
	for _, c := range []struct {
		name, raw, code, journal string
		seq                      int64
		age                      time.Duration
	}{
		{"whole", `{"v":1,"age_ms":90000,"record":` + body + `}`, "", "j1", 7, 90 * time.Second},
		{"age below nothing is none", `{"v":1,"age_ms":-5,"record":` + body + `}`, "", "j1", 7, 0},
		{"age of a century", `{"v":1,"age_ms":3155760000000,"record":` + body + `}`, wire.RefusedFormat, "j1", 7, 0},
		{"newer message, record still readable", `{"v":2,"record":` + body + `}`, wire.RefusedVersion, "j1", 7, 0},
		{"newer record with other types", `{"v":1,"record":{"v":2,"journal":"j1","seq":7,"kind":"sale","sale":[1]}}`, wire.RefusedVersion, "j1", 7, 0},
		{"field of another type", `{"v":1,"record":{"v":1,"journal":"j1","seq":7,"kind":"sale","sale":5}}`, wire.RefusedFormat, "j1", 7, 0},
		{"float for money", strings.Replace(`{"v":1,"record":`+body+`}`, `"minor":5000`, `"minor":50.5`, 1), wire.RefusedFormat, "j1", 7, 0},
		{"no record", `{"v":1}`, wire.RefusedFormat, "", 0, 0},
		{"null record", `{"v":1,"record":null}`, wire.RefusedVersion, "", 0, 0},
		{"cut", `{"v":1,"record":{"v":1,"jour`, wire.RefusedFormat, "", 0, 0},
		{"two values", `{"v":1,"record":` + body + `}{}`, wire.RefusedFormat, "", 0, 0},
		{"empty", ``, wire.RefusedFormat, "", 0, 0},
		{"not JSON", "\x00\xff", wire.RefusedFormat, "", 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := ingest.Parse([]byte(c.raw), 1000, limits)
			if a.Code != c.code || a.Journal != c.journal || a.Seq != c.seq || a.Age != c.age {
				t.Errorf("code %q (%s), %s/%d, age %v", a.Code, a.Detail, a.Journal, a.Seq, a.Age)
			}
		})
	}
}

// FuzzParse: nothing an agent sends makes the hub fall over, and what is
// understood holds what later code relies on.
func FuzzParse(f *testing.F) {
	f.Add(message(f, sale("j1", 7)))
	r := sale("j1", 8)
	r.Kind, r.Of = wire.KindReversal, 7
	f.Add(message(f, r))
	r.Kind, r.Incident = wire.KindIncident, &wire.Incident{Code: "x", Sale: r.Sale}
	f.Add(message(f, r))
	f.Add([]byte(`{"v":1,"record":{"v":1,"journal":"j","seq":1e400}}`))
	f.Add(append(message(f, sale("j1", 9)), ' '))
	f.Add(bytes.Replace(message(f, sale("j1", 9)), []byte(`}}`), []byte(`} }`), 1))
	f.Add(bytes.Replace(message(f, sale("j1", 9)), []byte(`,"record":{`), []byte(`,"record":{},"record":{`), 1))
	f.Fuzz(func(t *testing.T, raw []byte) {
		a := ingest.Parse(raw, 1000, limits)
		if !bytes.Equal(a.Raw, raw) {
			t.Fatal("raw is not what came")
		}
		if a.Code != "" {
			return
		}
		if a.Journal == "" || a.Seq <= 0 || a.Age < 0 || a.Record.V != wire.Version || !json.Valid(a.Body) {
			t.Fatalf("taken: %+v", a)
		}
		var m wire.RecordMessage // however the record was cut out
		if err := json.Unmarshal(raw, &m); err != nil || !bytes.Equal(m.Record, a.Body) || max(m.AgeMS, 0) != a.Age.Milliseconds() {
			t.Fatalf("%v: %q, %d ms\ntaken: %+v", err, m.Record, m.AgeMS, a)
		}
		if s := a.Record.Sale; s != nil && s.Amount.Known {
			var sum int64
			for _, p := range s.Parts {
				sum += p.Minor
			}
			if s.Amount.Minor < 0 || s.Amount.Minor > limits.Amount || len(s.Parts) > 0 && sum != s.Amount.Minor {
				t.Fatalf("taken: %+v", s)
			}
		}
	})
}
