package reconcile

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/chekomat/chekomat/agent/wire"
)

// TestOnlyTheTruthAgrees sells at random, some sales during the readings, and
// has the machine count each on either side of a reading. What it counted
// agrees; any other money does not, and a sale that was not heard is found
// to the kopeck unless a sale during a reading may stand for it.
func TestOnlyTheTruthAgrees(t *testing.T) {
	sources := []string{wire.SourceCash, wire.SourceReader1, wire.SourceReader2}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 12).Draw(t, "sales")
		during := [2]int{rapid.IntRange(0, min(n, 3)).Draw(t, "during the first"), 0}
		during[1] = rapid.IntRange(0, min(n-during[0], 3)).Draw(t, "during the second")
		late := rapid.IntRange(0, during[0]).Draw(t, "of them counted before")
		early := rapid.IntRange(0, during[1]).Draw(t, "of the second's counted before")
		p := Period{From: Mark{Seq: int64(100 + during[0] + 1), Head: 100}, Change: wire.AuditChange{Outcome: wire.AuditCounted}, Currency: "643"}
		counted := map[string]*[2]int64{}
		for _, k := range order[:4] {
			counted[k] = &[2]int64{}
		}
		seq := p.From.Head
		for i := range n {
			if seq++; seq == p.From.Seq {
				seq++
			}
			minor := int64(rapid.IntRange(1, 10).Draw(t, "tens") * 1000)
			source := rapid.SampledFrom(sources).Draw(t, "source")
			p.Sales = append(p.Sales, Sale{Seq: seq, Sale: wire.Sale{Amount: wire.Money{Minor: minor, Known: true, Currency: "643"}, Parts: []wire.Part{{Source: source, Minor: minor}}}})
			if i < late || i >= n-during[1]+early {
				continue
			}
			for _, k := range []string{wire.AuditAll, kindOf[source]} {
				counted[k][0]++
				counted[k][1] += minor
			}
		}
		p.To.Seq = max(seq, p.From.Seq) + 1
		p.To.Head = p.To.Seq - 1 - int64(during[1])
		totals := func() (all []wire.AuditTotal) {
			for _, k := range order[:4] {
				v := *counted[k]
				all = append(all, wire.AuditTotal{Kind: k, Vends: &v[0], Minor: &v[1]})
			}
			return all
		}
		p.Change.Totals = totals()
		for _, r := range Compare(p) {
			if r.Outcome != Agree || r.Reason != "" {
				t.Fatalf("what the machine counted is said to be %s %s: %+v", r.Outcome, r.Reason, r)
			}
		}
		hidden := rapid.SampledFrom(sources).Draw(t, "a sale not heard")
		for _, k := range []string{wire.AuditAll, kindOf[hidden]} {
			counted[k][0]++
			counted[k][1] += 999 // no sum of the others
		}
		p.Change.Totals = totals()
		for _, r := range Compare(p) {
			want := Agree
			if r.Kind == wire.AuditAll || r.Kind == kindOf[hidden] {
				want = Differ
			}
			if r.Outcome != want {
				t.Fatalf("%s is said to be %s, want %s", r.Kind, r.Outcome, want)
			}
		}
	})
}

// TestUnknownIsNeverZero takes a period whose sales can't be counted.
func TestUnknownIsNeverZero(t *testing.T) {
	five, sum := int64(5), int64(25000)
	p := Period{From: Mark{Seq: 1}, To: Mark{Seq: 9, Head: 8}, Hidden: RecordsMissing, Change: wire.AuditChange{Outcome: wire.AuditCounted,
		Totals: []wire.AuditTotal{{Kind: wire.AuditAll, Vends: &five, Minor: &sum}, {Kind: wire.AuditCash, Vends: &five}}}}
	for _, r := range Compare(p) {
		if r.Outcome != Unknown || r.Reason != RecordsMissing || r.Bus.Vends != nil || r.Bus.Minor != nil {
			t.Errorf("%+v", r)
		}
	}
}

// TestManySalesDuringAReading are not tried one by one.
func TestManySalesDuringAReading(t *testing.T) {
	p := Period{From: Mark{Seq: 1}, To: Mark{Seq: 50, Head: 70}, Change: wire.AuditChange{Outcome: wire.AuditCounted}} // a head of another journal
	for seq := range int64(48) {
		p.Sales = append(p.Sales, Sale{Seq: seq + 2, Sale: wire.Sale{Amount: wire.Money{Minor: 100, Known: true}, Parts: []wire.Part{{Source: wire.SourceCash, Minor: 100}}}})
	}
	none := int64(0)
	p.Change.Totals = []wire.AuditTotal{{Kind: wire.AuditAll, Vends: &none, Minor: &none}}
	if r := Compare(p)[0]; r.Outcome != Unknown || r.Reason != DuringReading {
		t.Errorf("%+v", r)
	}
}

func TestOtherCurrency(t *testing.T) {
	n := int64(1)
	p := Period{From: Mark{Seq: 1}, To: Mark{Seq: 3, Head: 2}, Currency: "978", Change: wire.AuditChange{Outcome: wire.AuditCounted,
		Totals: []wire.AuditTotal{{Kind: wire.AuditAll, Vends: &n, Minor: &n}}},
		Sales: []Sale{{Seq: 2, Sale: wire.Sale{Amount: wire.Money{Minor: 1, Known: true, Currency: "643"}, Parts: []wire.Part{{Source: wire.SourceCash, Minor: 1}}}}}}
	if r := Compare(p)[0]; r.Outcome != Unknown || r.Reason != OtherCurrency {
		t.Errorf("%+v", r)
	}
}
