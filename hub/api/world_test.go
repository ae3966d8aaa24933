package api

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
	_ "github.com/chekomat/chekomat/fiscal/kkt/shtrih"
	"github.com/chekomat/chekomat/hub/api/contract"
	"github.com/chekomat/chekomat/hub/ingest"
	"github.com/chekomat/chekomat/hub/store"
	"github.com/chekomat/chekomat/hub/store/storetest"
	"github.com/chekomat/chekomat/hub/till"
)

// validate holds an exchange against openapi.yaml; set where the validator is
// built in (spec_test.go).
var validate func(t *testing.T, r *http.Request, body []byte, w *httptest.ResponseRecorder)

// world is a server with two operators that have one of everything.
type world struct {
	t      *testing.T
	st     *store.Store
	api    *Server
	ingest *ingest.Ingest
	root   string // installation's token
	a, b   tenant
}

// tenant is an operator and the ids of what belongs to it.
type tenant struct {
	id, token, tokenID          string
	seller, machine, lane       string
	agent, journal, inn, serial string
	record, held, quarantine    int64 // done, held, refused
	doneJob, heldJob            string
	fn                          string
	fd                          int64
	incident, flight            int64
}

type nobody struct{}

func (nobody) Publish(string, string, string, []byte) error { return nil }
func (nobody) Drop(string, string, error)                   {}
func (nobody) Online(string, string) bool                   { return false }
func (nobody) Connected() int                               { return 2 }

func newWorld(t *testing.T) *world {
	t.Helper()
	st, err := store.Open(t.Context(), storetest.Address(t), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	in := ingest.New(st, ingest.Options{})
	in.Attach(nobody{})
	t.Cleanup(in.Stop)
	w := &world{t: t, st: st, ingest: in}
	w.api = New(Options{Store: st, Records: in, Till: archive{till.New(st, till.Settings{})}, Broker: nobody{}, Data: t.TempDir(), Version: "test",
		Changes: Changes{Fleet: in.FleetChanged, Agent: in.AgentChanged}})
	t.Cleanup(w.api.Close)
	root, err := st.CreateToken(t.Context(), "", "installation")
	if err != nil {
		t.Fatal(err)
	}
	w.root = root.Token
	w.a = w.tenant("alpha", "7700999990")
	w.b = w.tenant("beta", "7825706086")
	return w
}

// do asks and fails the test when the answer is another than expected. out may
// be nil.
func (w *world) do(token, method, path string, in any, status int, out any) *httptest.ResponseRecorder {
	w.t.Helper()
	rec := w.ask(token, method, path, in)
	if rec.Code != status {
		w.t.Fatalf("%s %s: %d %s, want %d", method, path, rec.Code, rec.Body, status)
	}
	if out != nil {
		if err := json.Unmarshal(rec.Body.Bytes(), out); err != nil {
			w.t.Fatalf("%s %s: %v in %s", method, path, err, rec.Body)
		}
	}
	return rec
}

func (w *world) ask(token, method, path string, in any, header ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	var body []byte
	if in != nil {
		if raw, ok := in.(string); ok {
			body = []byte(raw)
		} else {
			var err error
			if body, err = json.Marshal(in); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	r := httptest.NewRequest(method, path, bytes.NewReader(body))
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	w.api.ServeHTTP(rec, r)
	if validate != nil {
		validate(w.t, r, body, rec)
	}
	return rec
}

func (w *world) tenant(id, inn string) tenant {
	w.t.Helper()
	n := tenant{id: id, inn: inn, agent: "agent-" + id, journal: "journal-" + id, serial: "VM-" + id}
	w.do(w.root, "POST", "/api/v1/operators", contract.NewOperator{ID: id, Name: "Operator " + id}, 201, nil)
	var tok contract.CreatedToken
	w.do(w.root, "POST", "/api/v1/tokens", contract.NewToken{Operator: id, Name: "token of " + id}, 201, &tok)
	n.token, n.tokenID = tok.Token, tok.ID
	long := time.Now().Add(-48 * time.Hour)
	var seller contract.Seller
	w.do(n.token, "POST", "/api/v1/sellers", contract.NewSeller{Name: "ООО «" + id + "»", INN: inn,
		Tax: &contract.TaxProfile{ValidFrom: long, TaxSystem: "usn_income", VAT: "none"}}, 201, &seller)
	n.seller = seller.ID
	var m contract.MachineDetail
	w.do(n.token, "POST", "/api/v1/machines", contract.NewMachine{ValidFrom: long, Seller: n.seller, Serial: n.serial, Address: "г. Москва, ул. " + id,
		Place: "холл " + id, Zone: "Europe/Moscow", Rule: &contract.MachineRule{StopAfterMin: 10},
		Fiscalizers: []contract.Fiscalizer{{Source: "cash", Who: "us"}, {Source: "reader1", Who: "us"}},
		Columns:     []contract.Column{{Column: 5, Name: "Вода " + id, Price: 6000, GTIN: "4600051000057"}, {Column: 6, Name: "Кофе", Price: 8500}}}, 201, &m)
	n.machine = m.Machine.ID
	w.do(n.token, "POST", "/api/v1/agents", contract.NewAgent{ID: n.agent, Machine: n.machine, ValidFrom: long}, 201, nil)
	var lane contract.Lane
	w.do(n.token, "POST", "/api/v1/lanes", contract.NewLane{Seller: n.seller, Name: "Касса " + id, URL: "shtrih+tcp://127.0.0.1:1?password=30", FFD: "1.2",
		TaxSystems: []string{"usn_income"}, Zone: "Europe/Moscow", Test: true}, 201, &lane)
	n.lane = lane.ID
	w.sell(n, 1, 5, 6000) // done
	w.sell(n, 2, 9, 7000) // held: no such column
	w.sell(n, 3, 6, 8500) // queued, then held by hand
	w.take(n, `{"v":99,"age_ms":0,"record":{"v":99,"journal":"`+n.journal+`","seq":4}}`)
	n.record, n.held = w.recordOf(n, 1), w.recordOf(n, 2)
	n.doneJob, n.heldJob = w.jobOf(n.record), w.jobOf(w.recordOf(n, 3))
	n.fn, n.fd = "9999078902"+inn[:6], 17
	w.finish(n)
	w.scan(&n.quarantine, `SELECT id FROM quarantine WHERE operator_id=?`, id)
	w.scan(&n.incident, `SELECT id FROM incident WHERE operator_id=? LIMIT 1`, id)
	w.fly(n, "20260701T120000.000Z-asked.trace", "trace 1\nVMC 12\n# "+n.serial+"\n")
	w.scan(&n.flight, `SELECT id FROM flight WHERE operator_id=?`, id)
	return n
}

func (w *world) scan(dest any, query string, args ...any) {
	w.t.Helper()
	if err := w.st.Read().QueryRow(query, args...).Scan(dest); err != nil {
		w.t.Fatalf("%s: %v", query, err)
	}
}

func (w *world) recordOf(n tenant, seq int) (id int64) {
	w.t.Helper()
	w.scan(&id, `SELECT id FROM record WHERE operator_id=? AND seq=?`, n.id, seq)
	return id
}

func (w *world) jobOf(record int64) (id string) {
	w.t.Helper()
	w.scan(&id, `SELECT id FROM job WHERE record_id=?`, record)
	return id
}

func (w *world) sell(n tenant, seq int64, column int, minor int64) {
	w.t.Helper()
	r := wire.Record{V: 1, Journal: n.journal, Seq: seq, Kind: wire.KindSale, Wall: time.Now(), Synced: true, Boot: "boot", MonoMS: 1,
		Sale: &wire.Sale{Class: "A", Evidence: "vend_success", Column: column, ColKnown: true, Channel: "device", Bus: "mdb",
			Amount: wire.Money{Minor: minor, Known: true, Currency: "643", Raw: minor / 100, Scale: 100, Decimals: 2},
			Parts:  []wire.Part{{Source: "cash", Kind: "cash", Minor: minor}}}}
	b, err := json.Marshal(r)
	if err != nil {
		w.t.Fatal(err)
	}
	m, err := json.Marshal(wire.RecordMessage{V: 1, AgeMS: 10, Record: b})
	if err != nil {
		w.t.Fatal(err)
	}
	w.take(n, string(m))
}

func (w *world) take(n tenant, message string) {
	w.t.Helper()
	a := ingest.Parse([]byte(message), w.st.Now(), ingest.Limits{Amount: 10_000_000})
	a.Topic = wire.Topic(n.id, n.agent, wire.UpRecord)
	if _, err := w.st.TakeIn(w.t.Context(), n.id, n.agent, []store.Arrival{a}); err != nil {
		w.t.Fatal(err)
	}
}

// finish gives the tenant's first job a receipt and holds its other one, as a
// till would leave them.
func (w *world) finish(n tenant) {
	w.t.Helper()
	now := w.st.Now()
	unit, err := json.Marshal(kkt.Unit{Serial: "0001", Model: "ШТРИХ", FN: kkt.FNState{Serial: n.fn, Phase: 3, LastFD: 17, ShiftOpen: true, Warnings: kkt.ReplaceSoon},
		Faults: []kkt.Fault{{Code: "register_paper_out"}}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.exec(`INSERT INTO attempt(job_id,number,lane_id,fn,baseline_fd,baseline,key,wire,state,started_at,ended_at)
		SELECT id,1,?1,?2,16,'{}',key||'-a1',?4,'done',?3,?3+350 FROM job WHERE id=?5`, n.lane, n.fn, now, []byte(`{"summary":"receipt"}`), n.doneJob)
	w.exec(`INSERT INTO receipt(job_id,attempt_id,operator_id,seller_id,machine_id,lane_id,fn,fd,fp,at,shift,number,rnm,operation,amount,qr,test,made_at)
		SELECT j.id,a.id,j.operator_id,j.seller_id,j.machine_id,?1,?2,17,4294967295,?3,3,5,'0000000001036533',1,j.amount,?4,1,?5
		FROM job j JOIN attempt a ON a.job_id=j.id WHERE j.id=?6`,
		n.lane, n.fn, time.UnixMilli(now).UTC().Format("2006-01-02T15:04:05"), "t=20260115T1432&s=60.00&fn="+n.fn+"&i=17&fp=4294967295&n=1", now+400, n.doneJob)
	w.exec(`UPDATE job SET state='done', lane_id=?, attempts=1, updated_at=? WHERE id=?`, n.lane, now+400, n.doneJob)
	w.exec(`INSERT INTO job_history(job_id,at,state) VALUES (?,?,'done')`, n.doneJob, now+400)
	w.exec(`INSERT INTO shown(job_id,result,after_ms,told_at) VALUES (?,'shown',900,?)`, n.doneJob, now+900)
	w.exec(`UPDATE job SET state='held', reason='receipt_mismatch' WHERE id=?`, n.heldJob)
	w.exec(`INSERT INTO unit(id,lane_id,serial,model,status,polled_at) VALUES (?,?,'0001','ШТРИХ',?,?)`, n.lane+"/0001", n.lane, unit, now)
	w.exec(`INSERT INTO fn_period(id,unit_id,fn,rnm,inn,ffd,seen_from,seen_to,last_fd) VALUES (?,?,?,'0000000001036533',?,'1.2',?,?,17)`,
		n.lane+"/0001/"+n.fn, n.lane+"/0001", n.fn, n.inn, now, now)
	w.exec(`INSERT INTO lane_state(lane_id,state,fault,since) VALUES (?,'unreachable','register_no_answer',?)`, n.lane, now)
	w.exec(`INSERT INTO agent_state(operator_id,agent_id,session,online,seen_at,hello,state) VALUES (?,?,'s',1,?,'{"v":1,"software":"1.0"}',?)`,
		n.id, n.agent, now, `{"v":1,"online":true,"screen":"idle","display_alive":true,"bus":{"source":"sim","alive":true}}`)
}

func (w *world) exec(query string, args ...any) {
	w.t.Helper()
	err := w.st.Write(context.Background(), func(tx *sql.Tx) error {
		_, err := tx.Exec(query, args...)
		return err
	})
	if err != nil {
		w.t.Fatalf("%s: %v", query, err)
	}
}

// fill puts the tenant's ids into a pattern's path.
func (n tenant) fill(pattern string) (method, path string) {
	method, path, _ = strings.Cut(pattern, " ")
	record := n.record
	if strings.Contains(path, "/held/") {
		record = n.held
	}
	path = strings.NewReplacer("{operator}", n.id, "{seller}", n.seller, "{machine}", n.machine, "{agent}", n.agent, "{lane}", n.lane,
		"{record}", fmt.Sprint(record), "{job}", n.heldJob, "{item}", fmt.Sprint(n.quarantine), "{incident}", fmt.Sprint(n.incident),
		"{fn}", n.fn, "{fd}", fmt.Sprint(n.fd), "{token}", n.tokenID, "{flight}", fmt.Sprint(n.flight)).Replace(path)
	switch {
	case strings.HasSuffix(path, "/jobs"):
		path += "?state=held"
	case strings.HasSuffix(path, "/takings"):
		path += "?operator=" + n.id
	}
	return method, path
}

// archive is a till without lanes whose registers give documents back.
type archive struct{ *till.Till }

func (archive) Document(_ context.Context, _, fn string, fd uint32) (kkt.Stored, error) {
	if fn == "gone" {
		return kkt.Stored{}, fault.New(fault.Unreachable, "no answer")
	}
	return kkt.Stored{Type: 3, Key: "abc", Receipt: fiscal.Receipt{FN: fn, FD: fd, FP: 1, Total: 6000}}, nil
}
