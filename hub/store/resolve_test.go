package store

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/fiscal"
)

func TestEvidenceToJob(t *testing.T) {
	for _, c := range []struct {
		name     string
		facts    []string // SQL before the sale
		sale     func(*wire.Sale)
		kind     wire.RecordKind
		fate     Fate
		reason   string
		told     string // wire.Receipt.State of the answer; "" none
		incident string // of the machine
		check    func(t *testing.T, d fiscal.Document)
	}{
		{name: "class A", fate: FateJob, check: func(t *testing.T, d fiscal.Document) {
			want := fiscal.Document{Kind: fiscal.KindReceipt, Operation: fiscal.Sell, TaxSystem: fiscal.OSN, Total: 5000,
				Items:    []fiscal.Item{{Name: "Эспрессо", Price: 5000, Quantity: fiscal.One, Sum: 5000, VAT: fiscal.VAT22, Subject: 1, Method: fiscal.FullSettlement}},
				Payments: []fiscal.Payment{{Kind: fiscal.Ecash, Amount: 5000}},
				Machine:  fiscal.Machine{Serial: "VM1", Address: "Москва, Ленина 1", Place: "холл"}}
			if want.SoldAt = d.SoldAt; !d.SoldAt.Equal(noon) {
				t.Errorf("sold at %v, want %v", d.SoldAt, noon)
			}
			if _, off := d.SoldAt.Zone(); off != 3*60*60 {
				t.Errorf("sold at %v, want the machine's zone", d.SoldAt)
			}
			if diff := cmp.Diff(want, d); diff != "" {
				t.Error(diff)
			}
		}},
		{name: "class B", sale: func(s *wire.Sale) { s.Class = "B" }, fate: FateJob},
		{name: "class C held by policy", sale: func(s *wire.Sale) { s.Class = "C" }, fate: FateHeld, reason: HeldPolicy, told: wire.FiscalHeld, incident: SaleHeld},
		{name: "class C by policy", facts: []string{`UPDATE operator SET c_policy='job'`}, sale: func(s *wire.Sale) { s.Class = "C" }, fate: FateJob},
		{name: "class D", sale: func(s *wire.Sale) { s.Class = "D" }, fate: FateNote, told: wire.FiscalHeld, incident: Unexplained},
		{name: "free", sale: func(s *wire.Sale) { s.Amount.Minor, s.Parts = 0, nil }, fate: FateNone, reason: NoneFree, told: wire.FiscalNone},
		{name: "scale not heard", sale: func(s *wire.Sale) { s.Amount = wire.Money{Raw: 50} }, fate: FateHeld, reason: HeldScale, told: wire.FiscalHeld, incident: SaleHeld},
		{name: "no whole kopecks", sale: func(s *wire.Sale) { s.Amount = wire.Money{Raw: 50, Scale: 1, Decimals: 4} }, fate: FateHeld, reason: HeldPrice, told: wire.FiscalHeld, incident: SaleHeld},
		{name: "old roubles", sale: func(s *wire.Sale) { s.Amount.Currency = "810" }, fate: FateJob},
		{name: "telephone code", sale: func(s *wire.Sale) { s.Amount.Currency = "0007" }, fate: FateJob},
		{name: "euro", sale: func(s *wire.Sale) { s.Amount.Currency = "978" }, fate: FateHeld, reason: HeldCurrency, told: wire.FiscalHeld, incident: SaleHeld},
		{name: "currency not heard", sale: func(s *wire.Sale) { s.Amount.Currency = "" }, fate: FateHeld, reason: HeldCurrency, told: wire.FiscalHeld, incident: SaleHeld},
		{name: "currency assumed", facts: []string{`INSERT INTO machine_rule(machine_id,currency) VALUES ('m','643')`}, sale: func(s *wire.Sale) { s.Amount.Currency = "" }, fate: FateJob},
		{name: "euro is not overridden", facts: []string{`INSERT INTO machine_rule(machine_id,currency) VALUES ('m','643')`}, sale: func(s *wire.Sale) { s.Amount.Currency = "978" }, fate: FateHeld, reason: HeldCurrency, told: wire.FiscalHeld, incident: SaleHeld},
		{name: "column not heard", sale: func(s *wire.Sale) { s.ColKnown = false }, fate: FateHeld, reason: HeldColumn, told: wire.FiscalHeld, incident: SaleHeld},
		{name: "column not heard, plan says", facts: []string{`INSERT INTO plan_column(machine_id,col,valid_from,name,price) VALUES ('m',-1,1,'Товар',0)`},
			sale: func(s *wire.Sale) { s.ColKnown = false }, fate: FateJob, check: func(t *testing.T, d fiscal.Document) {
				if d.Items[0].Name != "Товар" || d.Total != 5000 {
					t.Errorf("document %+v", d)
				}
			}},
		{name: "column not in the plan", sale: func(s *wire.Sale) { s.Column = 6 }, fate: FateHeld, reason: HeldName, told: wire.FiscalHeld, incident: SaleHeld},
		{name: "column taken away", facts: []string{`INSERT INTO plan_column(machine_id,col,valid_from,name,price) VALUES ('m',5,2,'',0)`}, fate: FateHeld, reason: HeldName, told: wire.FiscalHeld, incident: SaleHeld},
		{name: "another price", sale: func(s *wire.Sale) { s.Amount.Minor, s.Parts[0].Minor = 6000, 6000 }, fate: FateJob, incident: PriceMismatch, check: func(t *testing.T, d fiscal.Document) {
			if d.Total != 6000 || d.Items[0].Price != 6000 {
				t.Errorf("the charged amount counts; document %+v", d)
			}
		}},
		{name: "no tax profile", facts: []string{`DELETE FROM seller_tax`}, fate: FateHeld, reason: HeldTax, told: wire.FiscalHeld, incident: SaleHeld},
		{name: "unknown rate", facts: []string{`UPDATE plan_column SET vat='18'`}, fate: FateHeld, reason: HeldTax, told: wire.FiscalHeld, incident: SaleHeld},
		{name: "rate of the column", facts: []string{`UPDATE plan_column SET vat='10'`}, fate: FateJob, check: func(t *testing.T, d fiscal.Document) {
			if d.Items[0].VAT != fiscal.VAT10 {
				t.Errorf("VAT %v", d.Items[0].VAT)
			}
		}},
		{name: "no seller then", facts: []string{`UPDATE machine_period SET valid_from=9e15`}, fate: FateHeld, reason: HeldSeller, told: wire.FiscalHeld, incident: SaleHeld},
		{name: "barred goods", facts: []string{`UPDATE plan_column SET flags='marked, excise'`}, fate: FateHeld, reason: HeldGoods, told: wire.FiscalHeld, incident: SaleHeld},
		{name: "marked goods", facts: []string{`UPDATE plan_column SET flags='marked', gtin='04600439931256'`}, fate: FateJob, check: func(t *testing.T, d fiscal.Document) {
			if d.Items[0].GTIN != "04600439931256" {
				t.Errorf("GTIN %q", d.Items[0].GTIN)
			}
		}},
		{name: "name no register takes", facts: []string{`UPDATE plan_column SET name='☕'`}, fate: FateHeld, reason: HeldDocument, told: wire.FiscalHeld, incident: SaleHeld},
		{name: "internet", sale: func(s *wire.Sale) { s.Channel = "internet" }, fate: FateHeld, reason: HeldInternet, told: wire.FiscalHeld, incident: SaleHeld},
		{name: "nobody decided who fiscalizes", sale: func(s *wire.Sale) { s.Parts[0].Source = wire.SourceReader2 }, fate: FateHeld, reason: HeldFiscalizer, told: wire.FiscalHeld, incident: SaleHeld},
		{name: "no source named", sale: func(s *wire.Sale) { s.Parts = nil }, fate: FateHeld, reason: HeldFiscalizer, told: wire.FiscalHeld, incident: SaleHeld},
		{name: "terminal fiscalizes", facts: []string{`UPDATE fiscalizer SET who='terminal' WHERE source='reader1'`}, fate: FateNone, reason: NoneTerminal, told: wire.FiscalNone},
		{name: "not subject", facts: []string{`UPDATE fiscalizer SET who='not_subject', reason='НПД'`}, fate: FateNone, reason: NoneNotSubject, told: wire.FiscalNone},
		{name: "terminal fiscalizes euros", facts: []string{`UPDATE fiscalizer SET who='terminal' WHERE source='reader1'`}, sale: func(s *wire.Sale) { s.Amount.Currency = "978" }, fate: FateNone, reason: NoneTerminal, told: wire.FiscalNone},
		{name: "cash and card, both ours", sale: mixed, fate: FateJob, check: func(t *testing.T, d fiscal.Document) {
			want := []fiscal.Payment{{Kind: fiscal.Cash, Amount: 2000}, {Kind: fiscal.Ecash, Amount: 3000}}
			if diff := cmp.Diff(want, d.Payments); diff != "" || d.Total != 5000 {
				t.Errorf("total %d, %s", d.Total, diff)
			}
		}},
		{name: "cash ours, card the terminal's", facts: []string{`UPDATE fiscalizer SET who='terminal' WHERE source='reader1'`}, sale: mixed, fate: FateJob, incident: MixedPayment,
			check: func(t *testing.T, d fiscal.Document) {
				if d.Total != 2000 || d.Items[0].Sum != 2000 || len(d.Payments) != 1 || d.Payments[0].Kind != fiscal.Cash {
					t.Errorf("our part alone is ours; document %+v", d)
				}
			}},
		{name: "cash ours, card undecided", facts: []string{`DELETE FROM fiscalizer WHERE source='reader1'`}, sale: mixed, fate: FateHeld, reason: HeldFiscalizer, told: wire.FiscalHeld, incident: SaleHeld},
		{name: "cash of others, card the terminal's", facts: []string{`UPDATE fiscalizer SET who='terminal' WHERE source='reader1'`, `UPDATE fiscalizer SET who='not_subject' WHERE source='cash'`}, sale: mixed, fate: FateNone, reason: NoneTerminal, told: wire.FiscalNone},
		{name: "two readers, one form of payment", facts: []string{`INSERT INTO fiscalizer(machine_id,source,valid_from,who) VALUES ('m','reader2',1,'us')`}, sale: func(s *wire.Sale) {
			s.Parts = []wire.Part{{Source: wire.SourceReader1, Kind: "cashless", Minor: 1000}, {Source: wire.SourceReader2, Kind: "cashless", Minor: 4000}}
		}, fate: FateJob, check: func(t *testing.T, d fiscal.Document) {
			if len(d.Payments) != 1 || d.Payments[0].Amount != 5000 {
				t.Errorf("payments %+v", d.Payments)
			}
		}},
		{name: "agent in no machine", facts: []string{`UPDATE binding SET machine_id=NULL`}, fate: FateHeld, reason: HeldUnbound, told: wire.FiscalHeld},
		{name: "return of goods", kind: wire.KindReturn, fate: FateJob, check: func(t *testing.T, d fiscal.Document) {
			if d.Operation != fiscal.SellReturn {
				t.Errorf("operation %d", d.Operation)
			}
		}},
		{name: "top-up", kind: wire.KindTopUp, fate: FateHeld, reason: HeldTopUp, told: wire.FiscalHeld, incident: SaleHeld},
	} {
		t.Run(c.name, func(t *testing.T) {
			sc := newScene(t)
			for _, q := range c.facts {
				sc.do(q)
			}
			s := vend()
			if c.sale != nil {
				c.sale(&s)
			}
			if c.kind == "" {
				c.kind = wire.KindSale
			}
			got := sc.came(record("j", 1, c.kind, &s))
			if f, reason := sc.fate(1); f != c.fate || reason != c.reason {
				t.Errorf("fate %s %q, want %s %q", f, reason, c.fate, c.reason)
			}
			told := ""
			if len(got.Tell) > 0 {
				told = got.Tell[0].State
			}
			if told != c.told {
				t.Errorf("told %q, want %q", told, c.told)
			}
			open := sc.incidents()
			if _, ok := open["machine:m "+c.incident]; c.incident != "" && !ok || c.incident == "" && c.fate == FateJob && len(open) > 0 {
				t.Errorf("incidents %v, want %q", open, c.incident)
			}
			jobs := sc.jobs()
			if (len(jobs) == 1) != (c.fate == FateJob) {
				t.Fatalf("jobs %+v", jobs)
			}
			if c.check != nil {
				c.check(t, jobs[0].doc)
			}
			if c.fate == FateJob {
				if j := jobs[0]; j.state != JobQueued || j.amount != j.doc.Total || j.doc.Validate() != nil {
					t.Errorf("job %+v, document: %v", j, j.doc.Validate())
				}
			}
		})
	}
}

func mixed(s *wire.Sale) {
	s.Parts = []wire.Part{{Source: wire.SourceCash, Kind: "cash", Minor: 2000}, {Source: wire.SourceReader1, Kind: "cashless", Minor: 3000}}
}

// TestAsOfTheSale: facts hold as of the hub's clock minus the record's age,
// across changes of everything dated.
func TestAsOfTheSale(t *testing.T) {
	change := noon.UnixMilli()
	for _, c := range []struct {
		name          string
		change        string // takes effect at noon
		before, after func(verdictOf) bool
	}{
		{"price", `INSERT INTO plan_column(machine_id,col,valid_from,name,price) VALUES ('m',5,?,'Эспрессо',6000)`,
			func(v verdictOf) bool { return !v.mismatch }, func(v verdictOf) bool { return v.mismatch }},
		{"name", `INSERT INTO plan_column(machine_id,col,valid_from,name,price) VALUES ('m',5,?,'Лунго',5000)`,
			func(v verdictOf) bool { return v.doc.Items[0].Name == "Эспрессо" }, func(v verdictOf) bool { return v.doc.Items[0].Name == "Лунго" }},
		{"VAT of the seller", `INSERT INTO seller_tax(seller_id,valid_from,tax_system,vat) VALUES ('s',?,2,'5')`,
			func(v verdictOf) bool { return v.doc.Items[0].VAT == fiscal.VAT22 && v.doc.TaxSystem == fiscal.OSN },
			func(v verdictOf) bool {
				return v.doc.Items[0].VAT == fiscal.VAT5 && v.doc.TaxSystem == fiscal.USNIncome
			}},
		{"seller and place", `INSERT INTO machine_period(machine_id,valid_from,seller_id,serial,address,place,zone) VALUES ('m',?,'s2','VM1','Тверь','цех','Europe/Moscow')`,
			func(v verdictOf) bool { return v.seller == "s" && v.doc.Machine.Place == "холл" },
			func(v verdictOf) bool { return v.seller == "s2" && v.doc.Machine.Place == "цех" }},
		{"who fiscalizes", `INSERT INTO fiscalizer(machine_id,source,valid_from,who) VALUES ('m','reader1',?,'terminal')`,
			func(v verdictOf) bool { return v.fate == FateJob }, func(v verdictOf) bool { return v.reason == NoneTerminal }},
	} {
		t.Run(c.name, func(t *testing.T) {
			sc := newScene(t)
			sc.do(`INSERT INTO seller(id,operator_id,name,inn,created_at) VALUES ('s2','op','ИП','500100732259',1)`)
			sc.do(`INSERT INTO seller_tax(seller_id,valid_from,tax_system,vat) VALUES ('s2',1,2,'none')`)
			sc.do(c.change, change)
			sc.advance(time.Hour)
			s := vend()
			for _, at := range []struct {
				seq int64
				age time.Duration
				ok  func(verdictOf) bool
			}{
				{1, time.Hour + time.Millisecond, c.before},
				{2, time.Hour, c.after},
				{3, 0, c.after},
			} {
				sc.take("a1", sc.arrival(record("j", at.seq, wire.KindSale, &s), at.age))
				if v := sc.verdict(at.seq); !at.ok(v) {
					t.Errorf("sale %v before now: %+v", at.age, v)
				}
			}
		})
	}
}

// TestStandardRateChangesAtTheMachinesMidnight: 20 % until 2025-12-31, 22 %
// from 2026-01-01 (law 425-FZ), by the wall clock where the machine stands.
func TestStandardRateChangesAtTheMachinesMidnight(t *testing.T) {
	for _, c := range []struct {
		zone string
		at   time.Time
		want fiscal.VAT
	}{
		{"Europe/Moscow", time.Date(2025, 12, 31, 20, 59, 59, 0, time.UTC), fiscal.VAT20},
		{"Europe/Moscow", time.Date(2025, 12, 31, 21, 0, 0, 0, time.UTC), fiscal.VAT22},
		{"Asia/Vladivostok", time.Date(2025, 12, 31, 14, 0, 0, 0, time.UTC), fiscal.VAT22},
		{"Europe/Kaliningrad", time.Date(2025, 12, 31, 21, 30, 0, 0, time.UTC), fiscal.VAT20},
	} {
		sc := newScene(t)
		sc.do(`UPDATE machine_period SET zone=?`, c.zone)
		s := vend()
		sc.take("a1", sc.arrival(record("j", 1, wire.KindSale, &s), noon.Sub(c.at)))
		if got := sc.jobs()[0].doc.Items[0].VAT; got != c.want {
			t.Errorf("%s at %v: %v, want %v", c.zone, c.at, got, c.want)
		}
	}
}

// Row 22 of the reference, 16.10: the receipt shows what was charged, and the
// difference from the plan is an alarm.
func TestPolicy22PriceOtherThanThePlan(t *testing.T) {
	sc := newScene(t)
	s := vend()
	s.Amount.Minor, s.Parts[0].Minor = 6000, 6000
	sc.take("a1", sc.arrival(record("j", 1, wire.KindSale, &s), 0))
	v := sc.verdict(1)
	if v.fate != FateJob || v.doc.Total != 6000 || !v.mismatch {
		t.Errorf("fate %s, receipt of %d, alarm %v", v.fate, v.doc.Total, v.mismatch)
	}
}

type verdictOf struct {
	fate           Fate
	reason, seller string
	mismatch       bool
	doc            fiscal.Document
}

func (sc *scene) verdict(seq int64) (v verdictOf) {
	sc.tb.Helper()
	v.fate, v.reason = sc.fate(seq)
	for _, j := range sc.jobs() {
		if j.seq == seq {
			v.doc = j.doc
			if err := sc.r.QueryRow(`SELECT seller_id FROM job WHERE id=?`, j.id).Scan(&v.seller); err != nil {
				sc.tb.Fatal(err)
			}
		}
	}
	_, v.mismatch = sc.incidents()["machine:m "+PriceMismatch]
	return v
}

func TestPriceAlarmEndsWhenThePriceIsRight(t *testing.T) {
	sc := newScene(t)
	sc.do(`INSERT INTO plan_column(machine_id,col,valid_from,name,price) VALUES ('m',55,1,'Чай',3000)`)
	wrong, right := vend(), vend()
	wrong.Amount.Minor, wrong.Parts[0].Minor = 6000, 6000
	other := vend()
	other.Column, other.Amount.Minor, other.Parts[0].Minor = 55, 3000, 3000
	sc.came(record("j", 1, wire.KindSale, &wrong))
	sc.came(record("j", 2, wire.KindSale, &other))
	if _, open := sc.incidents()["machine:m "+PriceMismatch]; !open {
		t.Error("another column's fair price ended the alarm")
	}
	sc.came(record("j", 3, wire.KindSale, &right))
	if _, open := sc.incidents()["machine:m "+PriceMismatch]; open {
		t.Error("the alarm stays although the price is right again")
	}
}

func TestMovedAgentDrainsUnderItsOldMachine(t *testing.T) {
	sc := newScene(t)
	sc.do(`INSERT INTO machine(id,operator_id,created_at) VALUES ('m2','op',1)`)
	s := vend()
	sc.came(record("j", 1, wire.KindSale, &s))
	sc.do(`INSERT INTO binding(operator_id,agent_id,machine_id,valid_from) VALUES ('op','a1','m2',?)`, sc.Now())
	sc.advance(time.Hour)
	sc.came(record("j", 2, wire.KindSale, &s))
	sc.came(record("j2", 1, wire.KindSale, &s))
	for id, want := range map[int]string{1: "m", 2: "m", 3: "m2"} {
		var got string
		if err := sc.r.QueryRow(`SELECT machine_id FROM record WHERE id=?`, id).Scan(&got); err != nil || got != want {
			t.Errorf("record %d is of machine %s, %v; want %s", id, got, err, want)
		}
	}
}

func TestHeldRecordIsDecidedAnew(t *testing.T) {
	ctx := context.Background()
	sc := newScene(t)
	sc.do(`DELETE FROM plan_column`)
	s := vend()
	s.Class = "C"
	sc.came(record("j", 1, wire.KindSale, &s))
	again := func(vouched bool) error {
		_, err := sc.Redecide(ctx, "op", 1, vouched, "Анна")
		return err
	}
	expect := func(fate Fate, reason string, jobs int) {
		t.Helper()
		if f, r := sc.fate(1); f != fate || r != reason || len(sc.jobs()) != jobs {
			t.Errorf("fate %s %q with %d jobs, want %s %q with %d", f, r, len(sc.jobs()), fate, reason, jobs)
		}
	}
	expect(FateHeld, HeldName, 0)
	if err := again(true); err != nil { // vouching does not give goods a name
		t.Fatal(err)
	}
	expect(FateHeld, HeldName, 0)
	sc.do(`INSERT INTO plan_column(machine_id,col,valid_from,name,price) VALUES ('m',5,1,'Эспрессо',5000)`)
	if err := again(false); err != nil {
		t.Fatal(err)
	}
	expect(FateHeld, HeldPolicy, 0)
	if err := again(true); err != nil {
		t.Fatal(err)
	}
	expect(FateJob, "", 1)
	if _, open := sc.incidents()["machine:m "+SaleHeld]; open {
		t.Error("a person is still called though nothing waits")
	}
	if err := again(true); !errors.Is(err, ErrNotHeld) {
		t.Errorf("deciding twice: %v", err)
	}
	if _, err := sc.Redecide(ctx, "other", 1, true, "x"); !errors.Is(err, ErrNotFound) {
		t.Errorf("another operator's record: %v", err)
	}
	var actor string
	if err := sc.r.QueryRow(`SELECT actor FROM job_history`).Scan(&actor); err != nil || actor != "Анна" {
		t.Errorf("history names %q, %v", actor, err)
	}
}

func TestClassDIncidentIsPromoted(t *testing.T) {
	sc := newScene(t)
	s := vend()
	s.Class = "D"
	r := record("j", 1, wire.KindIncident, nil)
	r.Incident = &wire.Incident{Code: "exe_unknown", Sale: &s}
	sc.came(r)
	if _, open := sc.incidents()["machine:m exe_unknown"]; !open {
		t.Errorf("incidents %v", sc.incidents())
	}
	if _, err := sc.Redecide(context.Background(), "op", 1, false, "x"); !errors.Is(err, ErrNotHeld) {
		t.Errorf("without a person's word: %v", err)
	}
	if _, err := sc.Redecide(context.Background(), "op", 1, true, "x"); err != nil {
		t.Fatal(err)
	}
	if f, _ := sc.fate(1); f != FateJob || len(sc.jobs()) != 1 {
		t.Errorf("fate %s, %d jobs", f, len(sc.jobs()))
	}
}

func TestDrop(t *testing.T) {
	sc := newScene(t)
	s := vend()
	s.Class = "C"
	sc.came(record("j", 1, wire.KindSale, &s))
	got, err := sc.Drop(context.Background(), "op", 1, "тест наладчика", "Анна")
	if err != nil || len(got.Tell) != 1 || got.Tell[0].Reason != NoneDropped {
		t.Errorf("%+v, %v", got, err)
	}
	if f, r := sc.fate(1); f != FateNone || r != NoneDropped {
		t.Errorf("fate %s %s", f, r)
	}
}
