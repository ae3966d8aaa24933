package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/fiscal"
)

const testFN = "9999078900001234"

// lane makes the lane "l" that writes FFD.
func (sc *scene) lane(ffd string) {
	sc.do(`INSERT INTO lane(id,operator_id,seller_id,name,url,ffd,tax_systems,zone,test,created_at) VALUES ('l','op','s','касса','x://y',?,1,'Europe/Moscow',1,1)`, ffd)
}

// done makes a document of a job.
func (sc *scene) done(job string, fd uint32) {
	sc.tb.Helper()
	ctx := context.Background()
	mustWrite(sc.tb, sc.Store, func(tx *sql.Tx) error {
		j, err := readJob(ctx, tx, `WHERE id = ?`, job)
		if err != nil {
			return err
		}
		if j.State != JobQueued {
			sc.tb.Errorf("job %s is %s", job, j.State)
		}
		var attempt int64
		if err := tx.QueryRow(`INSERT INTO attempt(job_id,number,lane_id,fn,baseline_fd,baseline,key,wire,state,started_at) VALUES (?,1,'l',?,?,'{}',?,?,'done',1) RETURNING id`,
			job, testFN, fd-1, j.Key.Attempt(1), []byte("{}")).Scan(&attempt); err != nil {
			return err
		}
		_, err = storeReceipt(tx, sc.Now(), j, attempt, "l", fiscal.Receipt{Kind: j.Document.Kind, FN: testFN, FD: fd, FP: 4000000000 + fd, At: noon, Shift: 1, Number: fd,
			Operation: j.Document.Operation, Total: j.Amount}, nil, "till", "")
		return err
	})
}

var manager = Order{Operator: "op", Actor: "Иванова", Why: "покупатель вернул товар"}

func TestRefundOnCommand(t *testing.T) {
	sc, ctx := newScene(t), context.Background()
	sc.lane("1.2")
	s := vend()
	sc.came(record("j", 1, wire.KindSale, &s))
	if _, err := sc.OrderRefund(ctx, testFN, 5, manager); !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
	sc.done(sc.jobs()[0].id, 5)
	o := manager
	o.Form = fiscal.Cash
	made, err := sc.OrderRefund(ctx, testFN, 5, o)
	if err != nil || len(made.Jobs) != 1 {
		t.Fatal(made, err)
	}
	j := sc.jobs()[1]
	if j.id != made.Jobs[0] || j.purpose != PurposeRefund || j.state != JobQueued || j.amount != 5000 || j.doc.Operation != fiscal.SellReturn ||
		len(j.doc.Payments) != 1 || j.doc.Payments[0] != (fiscal.Payment{Kind: fiscal.Cash, Amount: 5000}) || j.doc.Machine.Serial != "VM1" {
		t.Errorf("%+v", j)
	}
	// Neither the person nor the machine takes it back again.
	if _, err := sc.OrderRefund(ctx, testFN, 5, manager); !errors.Is(err, ErrRefunded) {
		t.Error(err)
	}
	sc.came(reversal(2, 1))
	if n := len(sc.jobs()); n != 2 {
		t.Errorf("%d jobs", n)
	}
	sc.done(j.id, 6)
	if _, err := sc.OrderRefund(ctx, testFN, 6, manager); !errors.Is(err, ErrNoReceipt) {
		t.Error("a refund of a refund:", err)
	}
	other := manager
	other.Operator = "other"
	if _, err := sc.OrderRefund(ctx, testFN, 5, other); !errors.Is(err, ErrNotFound) {
		t.Error("another operator's receipt:", err)
	}
	var why, actor string
	if err := sc.r.QueryRow(`SELECT why, actor FROM act WHERE id=?`, made.Act).Scan(&why, &actor); err != nil || why != manager.Why || actor != manager.Actor {
		t.Error(why, actor, err)
	}
}

func TestCorrectionOnCommand(t *testing.T) {
	sc, ctx := newScene(t), context.Background()
	sc.lane("1.2")
	c := vend()
	c.Class = "C"
	sc.came(record("j", 1, wire.KindSale, &c)) // held by the operator's policy
	o := manager
	o.ByOrder, o.Number = true, "12/34"
	made, err := sc.OrderCorrection(ctx, 1, o)
	if err != nil {
		t.Fatal(err)
	}
	j := sc.jobs()[0]
	if j.id != made.Jobs[0] || j.purpose != PurposeCorrection || j.doc.Kind != fiscal.KindCorrection || j.doc.Correction == nil ||
		!j.doc.Correction.ByOrder || j.doc.Correction.Number != "12/34" || j.doc.Correction.Date != "2026-03-10" || j.doc.Correction.WrongFP != 0 {
		t.Errorf("%+v", j)
	}
	if f, _ := sc.fate(1); f != FateJob {
		t.Error(f)
	}
	sc.done(j.id, 9)
	if _, err := sc.OrderCorrection(ctx, 1, o); !errors.Is(err, ErrHasReceipt) {
		t.Error(err)
	}
	// A sale whose receipt is on its way is nothing for a correction; one that certainly printed nothing is.
	s := vend()
	sc.came(record("j", 2, wire.KindSale, &s))
	sc.do(`UPDATE job SET state='in_flight', attempts=1 WHERE seq=2`)
	if _, err := sc.OrderCorrection(ctx, 2, o); !errors.Is(err, ErrHasReceipt) {
		t.Error(err)
	}
	sc.do(`UPDATE job SET state='held' WHERE seq=2`)
	if _, err := sc.OrderCorrection(ctx, 2, o); err != nil {
		t.Error(err)
	}
	if js := sc.jobs(); len(js) != 3 || js[1].state != JobVoid || js[1].reason != Corrected || js[2].state != JobQueued {
		t.Errorf("%+v", js)
	}
	// What can't be understood can't be corrected.
	n := vend()
	n.Column = 77
	sc.came(record("j", 3, wire.KindSale, &n))
	if _, err := sc.OrderCorrection(ctx, 4, o); !errors.Is(err, ErrNotFound) && err == nil {
		t.Error(err)
	}
	var cannot CannotMakeError
	if _, err := sc.OrderCorrection(ctx, 3, o); !errors.As(err, &cannot) || cannot.Reason != HeldName {
		t.Error(err)
	}
	if _, err := sc.OrderCorrection(ctx, 99, o); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}

// TestRepair: a wrong receipt is put right by two documents, the one that takes
// it back first; in FFD 1.05 both are receipts with 1192.
func TestRepair(t *testing.T) {
	for _, ffd := range []string{"1.05", "1.1", "1.2"} {
		t.Run(ffd, func(t *testing.T) {
			sc, ctx := newScene(t), context.Background()
			sc.lane(ffd)
			s := vend()
			sc.came(record("j", 1, wire.KindSale, &s))
			sc.done(sc.jobs()[0].id, 5)
			if _, err := sc.OrderRepair(ctx, testFN, 5, manager); !errors.Is(err, ErrNothingWrong) {
				t.Fatal(err)
			}
			// The rate was wrong since long ago.
			sc.do(`UPDATE seller_tax SET vat='none'`)
			made, err := sc.OrderRepair(ctx, testFN, 5, manager)
			if err != nil {
				t.Fatal(err)
			}
			back, right := sc.jobs()[1], sc.jobs()[2]
			if back.id != made.Jobs[0] || back.state != JobQueued || back.doc.Operation != fiscal.SellReturn || back.doc.Items[0].VAT != fiscal.VAT22 || back.doc.Repairs() != 4000000005 {
				t.Errorf("back %+v", back)
			}
			if right.id != made.Jobs[1] || right.state != JobHeld || right.reason != WaitsForPair || right.doc.Operation != fiscal.Sell ||
				right.doc.Items[0].VAT != fiscal.VATNone || right.doc.Repairs() != 4000000005 {
				t.Errorf("right %+v", right)
			}
			if want := map[bool]fiscal.DocumentKind{true: fiscal.KindReceipt, false: fiscal.KindCorrection}[ffd == "1.05"]; back.doc.Kind != want || right.doc.Kind != want {
				t.Errorf("%s, %s, want %s", back.doc.Kind, right.doc.Kind, want)
			}
			if _, err := sc.OrderRepair(ctx, testFN, 5, manager); !errors.Is(err, ErrRefunded) {
				t.Error(err)
			}
			sc.done(back.id, 6)
			if j := sc.jobs()[2]; j.state != JobQueued {
				t.Errorf("%+v", j)
			}
			sc.done(right.id, 7)
		})
	}
}

func TestOldSaleGetsACorrection(t *testing.T) {
	sc, ctx := newScene(t), context.Background()
	sc.lane("1.2")
	s := vend()
	sc.take("a1", sc.arrival(record("j", 1, wire.KindSale, &s), 23*time.Hour), sc.arrival(record("j", 2, wire.KindSale, &s), 25*time.Hour))
	js := sc.jobs()
	if len(js) != 2 || js[0].purpose != PurposeReceipt || js[1].purpose != PurposeCorrection || js[1].doc.Correction.Date != "2026-03-09" {
		t.Fatalf("%+v", js)
	}
	if n, err := sc.CorrectLate(ctx); n != 0 || err != nil {
		t.Fatal(n, err)
	}
	sc.advance(2 * time.Hour)
	sc.came(record("j", 3, wire.KindSale, &s))
	if n, err := sc.CorrectLate(ctx); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if n, err := sc.CorrectLate(ctx); n != 0 || err != nil {
		t.Fatal(n, err)
	}
	js = sc.jobs()
	if len(js) != 4 || js[0].state != JobVoid || js[0].reason != TooOld || js[3].purpose != PurposeCorrection || js[3].state != JobQueued || js[3].seq != 1 || js[3].amount != 5000 {
		t.Fatalf("%+v", js)
	}
	// The machine takes it back after all: nothing was tried yet.
	sc.came(reversal(4, 1))
	if js = sc.jobs(); js[3].state != JobVoid || len(js) != 4 {
		t.Errorf("%+v", js)
	}
	// Made, then taken back: an ordinary refund.
	sc.done(js[1].id, 5)
	sc.came(reversal(5, 2))
	if js = sc.jobs(); len(js) != 5 || js[4].purpose != PurposeRefund || js[4].doc.Kind != fiscal.KindReceipt || js[4].doc.Correction != nil || js[4].state != JobQueued {
		t.Errorf("%+v", js)
	}
	// 0 takes the limit away.
	sc.do(`UPDATE operator SET correct_after_m=0`)
	sc.take("a1", sc.arrival(record("j", 6, wire.KindSale, &s), 300*time.Hour))
	if js = sc.jobs(); js[5].purpose != PurposeReceipt {
		t.Errorf("%+v", js[5])
	}
}

// TestRefundWaitsForTheCorrection: a sale taken back while its receipt was
// tried and not printed; then it grew too old.
func TestRefundWaitsForTheCorrection(t *testing.T) {
	sc, ctx := newScene(t), context.Background()
	sc.lane("1.2")
	s := vend()
	sc.came(record("j", 1, wire.KindSale, &s))
	sc.do(`UPDATE job SET attempts=1`)
	sc.came(reversal(2, 1))
	sc.advance(25 * time.Hour)
	if n, err := sc.CorrectLate(ctx); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	js := sc.jobs()
	if len(js) != 3 || js[1].purpose != PurposeRefund || js[1].state != JobHeld || js[2].purpose != PurposeCorrection {
		t.Fatalf("%+v", js)
	}
	sc.done(js[2].id, 5)
	if js = sc.jobs(); js[1].state != JobQueued {
		t.Errorf("%+v", js[1])
	}
}

// TestOwnKeys: loading the operator's own key is an advance with a receipt, a
// vend paid from it settles the advance (1214, 1215).
func TestOwnKeys(t *testing.T) {
	sc := newScene(t)
	load := wire.Sale{Class: "A", Evidence: "revalue", Channel: "device", Bus: "mdb",
		Amount: wire.Money{Minor: 10000, Known: true, Currency: "643", Raw: 100, Scale: 100, Decimals: 2},
		Parts:  []wire.Part{{Source: wire.SourceReader1, Kind: "cash", Minor: 10000}}}
	sc.came(record("j", 1, wire.KindTopUp, &load))
	if f, r := sc.fate(1); f != FateHeld || r != HeldTopUp {
		t.Fatalf("a reader nobody has called the operator's own: %s %s", f, r)
	}
	sc.do(`UPDATE fiscalizer SET advance=1 WHERE source='reader1'`)
	sc.came(record("j", 2, wire.KindTopUp, &load))
	s := vend()
	sc.came(record("j", 3, wire.KindSale, &s))
	js := sc.jobs()
	if len(js) != 2 {
		t.Fatalf("%+v", js)
	}
	advance, vended := js[0].doc, js[1].doc
	if it := advance.Items[0]; it.Method != fiscal.Advance || it.Subject != fiscal.SubjectPayment || it.VAT != fiscal.VAT22122 ||
		len(advance.Payments) != 1 || advance.Payments[0] != (fiscal.Payment{Kind: fiscal.Cash, Amount: 10000}) {
		t.Errorf("advance %+v", advance)
	}
	if it := vended.Items[0]; it.Method != fiscal.FullSettlement || len(vended.Payments) != 1 || vended.Payments[0] != (fiscal.Payment{Kind: fiscal.Prepaid, Amount: 5000}) {
		t.Errorf("vend %+v", vended)
	}
}

// TestADayOfTopUpsIsADayOfTheLedger: a day on which a machine sold nothing and
// only loaded keys is shown with what waits; an incident alone makes none.
func TestADayOfTopUpsIsADayOfTheLedger(t *testing.T) {
	sc := newScene(t)
	load := vend()
	load.Evidence = "revalue"
	days := func() (all []string) {
		t.Helper()
		for _, f := range []LedgerFilter{{Operator: "op"}, {Machine: "m"}} {
			l, err := sc.LedgerDays(t.Context(), f, Page{Limit: 10})
			if err != nil {
				t.Fatal(err)
			}
			all = nil
			for _, d := range l.Items {
				all = append(all, fmt.Sprintf("%s %s %d", d.Day, d.Machine, len(d.Parties)))
			}
		}
		return all
	}
	heard := record("j", 1, wire.KindIncident, nil)
	heard.Incident = &wire.Incident{Code: "vend_unreadable"}
	sc.came(heard)
	if got := days(); len(got) != 0 {
		t.Fatalf("an incident without a sale makes a day: %v", got)
	}
	sc.came(record("j", 2, wire.KindTopUp, &load))
	if got := days(); len(got) != 1 || !strings.HasSuffix(got[0], " m 1") {
		t.Fatalf("a day of one top-up: %v", got)
	}
}

// TestARepairedReceiptIsTakenBackOnce: the repair took the wrong receipt back;
// what may be taken back now is the right one, by whomever.
func TestARepairedReceiptIsTakenBackOnce(t *testing.T) {
	for _, c := range []struct {
		name    string
		machine bool // it is the machine that takes the sale back
		early   bool // before the right document is made
	}{{"person", false, false}, {"machine", true, false}, {"machine, early", true, true}} {
		t.Run(c.name, func(t *testing.T) {
			sc, ctx := newScene(t), context.Background()
			sc.lane("1.2")
			s := vend()
			sc.came(record("j", 1, wire.KindSale, &s))
			sc.done(sc.jobs()[0].id, 5)
			sc.do(`UPDATE plan_column SET name='Капучино большой' WHERE machine_id='m' AND col=5`)
			repair, err := sc.OrderRepair(ctx, testFN, 5, manager)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := sc.OrderRefund(ctx, testFN, 5, manager); !errors.Is(err, ErrRefunded) {
				t.Error("the wrong receipt:", err)
			}
			if c.early {
				sc.came(reversal(2, 1))
			}
			sc.done(repair.Jobs[0], 6)
			if c.early && sc.jobs()[3].state != JobHeld {
				t.Error("a refund goes before what it takes back")
			}
			sc.done(repair.Jobs[1], 7)
			if c.machine && !c.early {
				sc.came(reversal(2, 1))
			}
			_, err = sc.OrderRefund(ctx, testFN, 7, manager)
			if c.machine != errors.Is(err, ErrRefunded) || !c.machine && err != nil {
				t.Error("the right one:", err)
			}
			js := sc.jobs()
			if len(js) != 4 || js[3].purpose != PurposeRefund || js[3].state != JobQueued || js[3].doc.Operation != fiscal.SellReturn ||
				js[3].doc.Items[0].Name != "Капучино большой" || js[3].doc.Kind != fiscal.KindReceipt || js[3].doc.Repairs() != 0 {
				t.Errorf("%+v", js)
			}
			if c.machine {
				if f, _ := sc.fate(2); f != FateJob {
					t.Error(f)
				}
			}
		})
	}
}

// TestNoCorrectionOfWhatTheMachineTookBack: nothing was sold.
func TestNoCorrectionOfWhatTheMachineTookBack(t *testing.T) {
	sc := newScene(t)
	sc.lane("1.2")
	s := vend()
	sc.came(record("j", 1, wire.KindSale, &s))
	sc.came(reversal(2, 1))
	if _, err := sc.OrderCorrection(context.Background(), 1, manager); !errors.Is(err, ErrRefunded) {
		t.Error(err)
	}
}
