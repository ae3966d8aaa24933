package conformance

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/charset"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/testbench/fn"
	"github.com/chekomat/chekomat/testbench/register/faults"
)

// Verdict is what the archive says of one schedule.
type Verdict struct {
	Made       int      `json:"made"`       // documents of the job
	Lost       bool     `json:"lost"`       // the hub holds a record and no such document exists
	Duplicated bool     `json:"duplicated"` // the job has more than one document
	Stuck      bool     `json:"stuck"`      // neither a record nor a person's decision asked for
	Held       string   `json:"held,omitempty"`
	Wrong      []string `json:"wrong,omitempty"` // what differs from what was asked for or recorded
}

// Bad says that the driver failed.
func (v Verdict) Bad() bool { return v.Lost || v.Duplicated || v.Stuck || len(v.Wrong) > 0 }

// judged is what a verdict is made of.
type judged struct {
	doc     fiscal.Document
	key     kkt.Key
	out     kkt.Outcome
	err     error
	news    []fn.Document    // the archive's documents since the schedule began
	reports []fiscal.Receipt // shift reports the hub made on the way
	struck  map[faults.Kind]int
}

// judge holds the archive against the job and the record.
func judge(j judged) (v Verdict) {
	wrong := func(format string, args ...any) { v.Wrong = append(v.Wrong, fmt.Sprintf(format, args...)) }
	report := j.doc.Kind == fiscal.KindShiftOpen || j.doc.Kind == fiscal.KindShiftClose
	var ours []fn.Document
	foreign, changes := 0, 0
	for _, d := range j.news {
		mine := slices.ContainsFunc(j.reports, func(r fiscal.Receipt) bool { return r.FN == d.FN && r.FD == d.FD })
		switch {
		case mine:
		case report && d.Type == typeOf(j.doc):
			ours = append(ours, d)
		case !report && d.KeyName == kkt.KeyName && kkt.Key(d.Key).Base() == j.key.Base():
			ours = append(ours, d)
		case d.KeyName == kkt.KeyName:
			wrong("ФД %d has the key %s of no job", d.FD, d.Key)
		case d.Type == fn.TypeShiftOpen || d.Type == fn.TypeShiftClose:
			changes++
		case d.Type == fn.TypeReceipt || d.Type == fn.TypeCorrection:
			foreign++
		}
	}
	by := func(kinds ...faults.Kind) (n int) {
		for _, k := range kinds {
			n += j.struck[k]
		}
		return n
	}
	// Numbers of shift reports others make are not known.
	changed := by(faults.AutoShift, faults.ForeignDocument, faults.SecondHost, faults.FNReplaced, faults.RegisterReplaced) > 0
	if changes > 0 && !changed {
		wrong("%d shift reports that nobody recorded", changes)
	}
	if foreign > by(faults.ForeignDocument, faults.SecondHost) {
		wrong("%d receipts without our key, %d were made by others", foreign, by(faults.ForeignDocument, faults.SecondHost))
	}
	if report && changed && len(ours) > 1 { // reports of others look like ours
		ours = slices.DeleteFunc(ours, func(d fn.Document) bool { return j.out.Receipt == nil || d.FD != j.out.Receipt.FD })
	}
	v.Made = len(ours)
	v.Duplicated = len(ours) > 1
	switch {
	case j.err != nil:
		v.Stuck = true
		wrong("%v", j.err)
	case j.out.Kind == kkt.Done && j.out.Receipt == nil:
		wrong("done without a receipt")
	case j.out.Kind == kkt.Done && len(ours) == 0:
		v.Lost = true
		wrong("recorded as ФД %d, the archive has no document of the job", j.out.Receipt.FD)
	case j.out.Kind == kkt.Done:
		at := slices.IndexFunc(ours, func(d fn.Document) bool { return d.FN == j.out.Receipt.FN && d.FD == j.out.Receipt.FD })
		if at < 0 {
			wrong("recorded as ФД %d, the job's document is ФД %d", j.out.Receipt.FD, ours[0].FD)
			return v
		}
		v.Wrong = append(v.Wrong, differences(j.doc, j.out, ours[at])...)
	default:
		v.Held = fmt.Sprintf("%s %v", j.out.Kind, j.out.Fault)
		if by(faults.FNReplaced, faults.RegisterReplaced) == 0 {
			v.Stuck = true
			wrong("held: %s", v.Held)
		}
	}
	return v
}

func typeOf(d fiscal.Document) fn.Type {
	switch d.Kind {
	case fiscal.KindShiftOpen:
		return fn.TypeShiftOpen
	case fiscal.KindShiftClose:
		return fn.TypeShiftClose
	case fiscal.KindCorrection:
		return fn.TypeCorrection
	}
	return fn.TypeReceipt
}

// differences compares the archive's document with what was asked for, and the
// record with the document.
func differences(want fiscal.Document, out kkt.Outcome, got fn.Document) (text []string) {
	same := func(what string, want, got any) {
		if d := cmp.Diff(want, got); d != "" {
			text = append(text, fmt.Sprintf("%s: wanted %v, got %v", what, want, got))
		}
	}
	same("document", typeOf(want), got.Type)
	r := out.Receipt
	same("record: kind", want.Kind, r.Kind)
	same("record: ФП", got.FP, r.FP)
	if d := r.At.Sub(got.At); d > 0 || d < -59_000_000_000 { // FF0Ah and its kin tell minutes
		text = append(text, fmt.Sprintf("record: time %s, document %s", r.At, got.At))
	}
	same("record: shift", got.Shift, r.Shift)
	same("record: РНМ", got.RNM, r.RegNumber)
	same("record: test", true, r.Test)
	if out.Fault != nil {
		text = append(text, fmt.Sprintf("the driver stops the lane: %v", out.Fault))
	}
	if want.Kind == fiscal.KindShiftOpen || want.Kind == fiscal.KindShiftClose {
		return text
	}
	same("record: number", got.Receipt, r.Number)
	same("record: total", want.Total, r.Total)
	same("record: operation", want.Operation, r.Operation)
	same("record: machine", want.Machine, r.Machine)
	same("1054", byte(want.Operation), got.Operation)
	same("1020", want.Total, got.Sum)
	same("1055", byte(want.TaxSystem), got.Tax)
	same("1036, 1009, 1187", want.Machine, fiscal.Machine{Serial: got.Machine, Address: got.Address, Place: got.Place})
	same("1008", want.BuyerContact, got.Buyer)
	same("1209", got.FFD != 0, true)
	paid := map[string]int64{}
	for _, p := range want.Payments {
		paid[map[fiscal.PaymentKind]string{
			fiscal.Cash: "1031", fiscal.Ecash: "1081", fiscal.Prepaid: "1215", fiscal.Credit: "1216", fiscal.Provision: "1217",
		}[p.Kind]] += p.Amount
	}
	for _, tag := range []string{"1031", "1081", "1215", "1216", "1217"} {
		same(tag, paid[tag], got.Paid[tag])
	}
	if fp := want.Repairs(); fp != 0 {
		same("1192", fmt.Sprintf("%010d", fp), got.Extra)
	}
	text = append(text, items(want, got)...)
	if c := want.Correction; c != nil {
		if got.Correction == nil {
			return append(text, "no 1174")
		}
		same("1173", c.ByOrder, got.Correction.Type == 1)
		same("1178", c.Date, got.Correction.Date.Format("2006-01-02"))
		same("1179", c.Number, got.Correction.Number)
	}
	return text
}

// decimal writes millionths without trailing zeros.
func decimal(micro int64) string {
	s := fmt.Sprintf("%d.%06d", micro/fiscal.One, micro%fiscal.One)
	return strings.TrimRight(strings.TrimRight(s, "0"), ".")
}

func items(want fiscal.Document, got fn.Document) (text []string) {
	if len(want.Items) != len(got.Items) {
		return []string{fmt.Sprintf("%d items, wanted %d", len(got.Items), len(want.Items))}
	}
	for i, it := range want.Items {
		g := got.Items[i]
		w := fn.Item{
			Name: charset.Clean(it.Name), Price: it.Price, Quantity: decimal(it.Quantity), Sum: it.Sum, Rate: byte(it.VAT), VAT: g.VAT,
			Method: byte(it.Method), Subject: byte(it.Subject), Mark: g.Mark, Marked: g.Marked, Vending: g.Vending,
		}
		if it.VAT.Percent() != 0 {
			w.VAT = it.VAT.Of(it.Sum)
		}
		if d := cmp.Diff(w, g); d != "" {
			text = append(text, fmt.Sprintf("item %d: %s", i+1, d))
		}
	}
	return text
}
