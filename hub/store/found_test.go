package store

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

// found has the till read a document of a job from a register.
func (sc *scene) found(key kkt.Key, kind fiscal.DocumentKind, fd uint32) (f FoundDocument) {
	sc.tb.Helper()
	mustWrite(sc.tb, sc.Store, func(tx *sql.Tx) (err error) {
		f, err = sc.takeDocument(tx, sc.Now(), Hold{Lane: "l"}, kkt.Stored{Key: key.Attempt(1), Receipt: fiscal.Receipt{Kind: kind, FN: testFN, FD: fd,
			FP: 4000000000 + fd, At: noon, Shift: 1, Number: fd, Operation: fiscal.Sell, Total: 5000}})
		return err
	})
	return f
}

// turn is a job's turn on a register.
func (sc *scene) turn(job string) (bound *BoundError) {
	sc.tb.Helper()
	mustWrite(sc.tb, sc.Store, func(tx *sql.Tx) error {
		j, err := readJob(context.Background(), tx, `WHERE id = ?`, job)
		if err == nil {
			bound, err = bindKnown(tx, sc.Now(), j)
		}
		return err
	})
	return bound
}

func keyOf(purpose string) kkt.Key { return kkt.NewKey(originRecord, "a1/j/1", purpose, "0") }

func (sc *scene) receipts() (n int) {
	sc.tb.Helper()
	if err := sc.r.QueryRow(`SELECT COUNT(*) FROM receipt`).Scan(&n); err != nil {
		sc.tb.Fatal(err)
	}
	return n
}

// TestDocumentOfAForgottenReceipt: a restored database has never heard of the
// sale, a register holds its receipt.
func TestDocumentOfAForgottenReceipt(t *testing.T) {
	for _, c := range []struct {
		name   string
		age    time.Duration
		stands string // what the register holds
		made   string // the job that is made of the record now
	}{
		{"a receipt, and a receipt is due", 0, PurposeReceipt, PurposeReceipt},
		{"a receipt, and a correction would be due by now", 2 * time.Hour, PurposeReceipt, PurposeCorrection},
		{"a correction, and a correction is due", 2 * time.Hour, PurposeCorrection, PurposeCorrection},
		{"a correction, and a receipt would be due", 0, PurposeCorrection, PurposeReceipt},
	} {
		t.Run(c.name, func(t *testing.T) {
			sc := newScene(t)
			sc.lane("1.2")
			sc.do(`UPDATE operator SET correct_after_m=60 WHERE id='op'`)
			kind := fiscal.KindReceipt
			if c.stands == PurposeCorrection {
				kind = fiscal.KindCorrection
			}
			if f := sc.found(keyOf(c.stands), kind, 5); f.Verdict != DocumentForeign {
				t.Fatalf("%+v", f)
			}
			s := vend()
			sc.take("a1", sc.arrival(record("j", 1, wire.KindSale, &s), c.age))
			j := sc.jobs()[0]
			if j.purpose != c.made || j.state != JobQueued {
				t.Fatalf("%+v", j)
			}
			// While it stands there nobody gives the job up.
			if _, err := sc.DropJob(context.Background(), j.id, "Иванова", "x"); !errors.Is(err, ErrMayExist) {
				t.Error(err)
			}
			if _, err := sc.OrderCorrection(context.Background(), 1, manager); !errors.Is(err, ErrHasReceipt) {
				t.Error(err)
			}
			sc.advance(2 * time.Hour)
			if n, err := sc.CorrectLate(context.Background()); n != 0 || err != nil {
				t.Error(n, err)
			}
			if bound := sc.turn(j.id); bound == nil {
				t.Fatal("the job would be made once more")
			}
			var done, live int
			for _, j := range sc.jobs() {
				switch {
				case j.state == JobDone && j.purpose == c.stands:
					done++
				case j.state != JobVoid:
					live++
				case j.reason != ReceiptFound:
					t.Errorf("%+v", j)
				}
			}
			if done != 1 || live != 0 || sc.receipts() != 1 {
				t.Errorf("%+v, %d receipts", sc.jobs(), sc.receipts())
			}
		})
	}
}

// TestReversalOfWhatStandsOnARegister: the sale is not reversed as if nothing
// had been made; a refund waits for its receipt.
func TestReversalOfWhatStandsOnARegister(t *testing.T) {
	sc := newScene(t)
	sc.lane("1.2")
	sc.found(keyOf(PurposeReceipt), fiscal.KindReceipt, 5)
	s := vend()
	sc.came(record("j", 1, wire.KindSale, &s))
	sc.came(reversal(2, 1))
	js := sc.jobs()
	if len(js) != 2 || js[0].state != JobQueued || js[1].purpose != PurposeRefund || js[1].state != JobHeld || js[1].reason != WaitsForReceipt {
		t.Fatalf("%+v", js)
	}
	if bound := sc.turn(js[0].id); bound == nil || len(bound.Released) != 1 || sc.jobs()[1].state != JobQueued {
		t.Errorf("%+v %+v", bound, sc.jobs())
	}
}

// TestDocumentOfAJobGivenUp: a command runs late, after the database that knew
// of it was lost and the job was given up.
func TestDocumentOfAJobGivenUp(t *testing.T) {
	t.Run("reversed", func(t *testing.T) {
		sc := newScene(t)
		sc.lane("1.2")
		s := vend()
		sc.came(record("j", 1, wire.KindSale, &s))
		sc.came(reversal(2, 1))
		if f, why := sc.fate(2); f != FateNone || why != NoneReversal {
			t.Fatal(f, why)
		}
		if f := sc.found(keyOf(PurposeReceipt), fiscal.KindReceipt, 5); f.Verdict != DocumentBound {
			t.Fatalf("%+v", f)
		}
		js := sc.jobs()
		if len(js) != 2 || js[0].state != JobDone || js[1].purpose != PurposeRefund || js[1].state != JobQueued || js[1].doc.Operation != fiscal.SellReturn {
			t.Errorf("%+v", js)
		}
		for _, seq := range []int64{1, 2} {
			if f, why := sc.fate(seq); f != FateJob || why != "" {
				t.Error(seq, f, why)
			}
		}
	})
	late := func(t *testing.T) *scene {
		sc := newScene(t)
		sc.lane("1.2")
		sc.do(`UPDATE operator SET correct_after_m=60 WHERE id='op'`)
		s := vend()
		sc.came(record("j", 1, wire.KindSale, &s))
		sc.advance(2 * time.Hour)
		if n, err := sc.CorrectLate(context.Background()); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		return sc
	}
	t.Run("late, its correction is queued", func(t *testing.T) {
		sc := late(t)
		if f := sc.found(keyOf(PurposeReceipt), fiscal.KindReceipt, 5); f.Verdict != DocumentBound {
			t.Errorf("%+v", f)
		}
		if js := sc.jobs(); js[0].state != JobDone || js[1].state != JobVoid || js[1].reason != ReceiptFound {
			t.Errorf("%+v", js)
		}
	})
	t.Run("late, its correction is made", func(t *testing.T) {
		sc := late(t)
		sc.done(sc.jobs()[1].id, 6)
		if f := sc.found(keyOf(PurposeReceipt), fiscal.KindReceipt, 5); f.Verdict != DocumentDoubled {
			t.Errorf("%+v", f)
		}
		if js := sc.jobs(); js[0].state != JobVoid || js[1].state != JobDone {
			t.Errorf("%+v", js)
		}
	})
}
