package simulate

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/testbench/fn"
)

// Times of a register, ms.
const (
	askTime  = 20
	makeTime = 600
	patience = 5000 // until the driver gives an answer up
	idleMost = 20_000
)

// driver is a lane's way to its register: the seam of kkt.Driver without a wire
// protocol. It sleeps in virtual time, so everything else goes on while a
// command runs, and the process it belongs to may die meanwhile.
type driver struct {
	r     *register
	sleep func(ms int64) // in the coroutine of the lane
	point func(string)
	wrong string // strategy of reliability.md C.3.1; "" the right one
}

// wireDocument is what leaves the process.
type wireDocument struct {
	Key       kkt.Key             `json:"key"`
	Kind      fiscal.DocumentKind `json:"kind"`
	Operation fiscal.Operation    `json:"operation"`
	Total     int64               `json:"total"`
	Machine   fiscal.Machine      `json:"machine"`
	Items     []fiscal.Item       `json:"items"`
	Payments  []fiscal.Payment    `json:"payments"`
	Basis     *fiscal.Correction  `json:"basis,omitempty"`
	WrongFP   uint32              `json:"wrong_fp,omitempty"`
}

// Encode implements kkt.Driver.
func (d *driver) Encode(doc fiscal.Document, key kkt.Key, _ kkt.Registration) (kkt.Wire, error) {
	if d.wrong == KeyPerTry && (doc.Kind == fiscal.KindCorrection || doc.Operation == fiscal.SellReturn) {
		if base := key.Base(); key != base.Attempt(1) {
			key = kkt.NewKey(string(key), "anew").Attempt(1)
		}
	}
	b, err := json.Marshal(wireDocument{Key: key, Kind: doc.Kind, Operation: doc.Operation, Total: doc.Total, Machine: doc.Machine,
		Items: doc.Items, Payments: doc.Payments, Basis: doc.Correction, WrongFP: doc.Repairs()})
	return kkt.Wire{Driver: "simulated", Bytes: b, Summary: string(doc.Kind)}, err
}

// elements is the document as the register gives it to the ФН.
func (d wireDocument) elements() []byte {
	var b []byte
	for _, i := range d.Items {
		item := fn.AppendString(nil, 1030, i.Name)
		item = fn.AppendVLN(item, 1079, uint64(i.Price))
		item = fn.AppendFVLN(item, 1023, 6, uint64(i.Quantity))
		item = fn.AppendVLN(item, 1043, uint64(i.Sum))
		item = fn.AppendByte(item, 1199, byte(i.VAT))
		item = fn.AppendByte(item, 1214, byte(i.Method))
		item = fn.AppendByte(item, 1212, byte(i.Subject))
		b = fn.AppendTLV(b, 1059, item)
	}
	for _, p := range d.Payments {
		tag := uint16(1081)
		if p.Kind == fiscal.Cash {
			tag = 1031
		}
		b = fn.AppendVLN(b, tag, uint64(p.Amount))
	}
	if d.Basis != nil {
		day, err := time.Parse(time.DateOnly, d.Basis.Date)
		if err != nil {
			panic(fmt.Sprintf("simulate: a correction of %q: %v", d.Basis.Date, err))
		}
		b = fn.AppendTLV(fn.AppendByte(b, 1173, 0), 1174, fn.AppendUnix(nil, 1178, day))
	}
	if d.WrongFP != 0 {
		b = fn.AppendString(b, 1192, fmt.Sprintf("%010d", d.WrongFP))
	}
	if d.Key == "" {
		return b
	}
	b = fn.AppendString(b, 1036, d.Machine.Serial)
	b = fn.AppendString(b, 1009, d.Machine.Address)
	b = fn.AppendString(b, 1187, d.Machine.Place)
	return fn.AppendTLV(b, 1084, fn.AppendString(fn.AppendString(nil, 1085, kkt.KeyName), 1086, string(d.Key)))
}

func problem(k kkt.Kind, code fault.Code, detail string) error {
	return &kkt.Problem{Kind: k, Fault: fault.New(code, detail)}
}

// ask is an exchange that changes nothing. A process that stood still meanwhile
// finds the time for its answer over: it goes on to nothing.
func (d *driver) ask() error {
	asked := d.r.w.now
	d.sleep(askTime)
	if d.r.w.now-asked > patience {
		return problem(kkt.Retry, fault.NoAnswer, "the time for an answer is over")
	}
	if d.r.off() {
		d.sleep(1000)
		return problem(kkt.Retry, fault.Unreachable, "no route to the register")
	}
	return nil
}

// idle is the barrier: nothing runs in the register, nothing waits in it.
func (d *driver) idle() error {
	for waited := 0; ; waited += 500 {
		if err := d.ask(); err != nil {
			return err
		}
		if d.r.running == 0 || d.wrong == KeyWithoutWaiting {
			return nil
		}
		if waited >= idleMost {
			return problem(kkt.Retry, fault.Busy, "a command still runs")
		}
		d.sleep(500)
	}
}

// Ready implements kkt.Driver.
func (d *driver) Ready(context.Context) (kkt.Baseline, error) {
	if err := d.idle(); err != nil {
		return kkt.Baseline{}, err
	}
	return d.r.baseline(), nil
}

func outcome(k kkt.Kind, f kkt.Fault) kkt.Outcome { return kkt.Outcome{Kind: k, Fault: &f} }

func done(d fn.Document) kkt.Outcome {
	r := receiptOf(d)
	return kkt.Outcome{Kind: kkt.Done, Receipt: &r, Document: d.TLV, Verified: true}
}

func receiptOf(d fn.Document) fiscal.Receipt {
	kind := map[fn.Type]fiscal.DocumentKind{fn.TypeShiftOpen: fiscal.KindShiftOpen, fn.TypeShiftClose: fiscal.KindShiftClose, fn.TypeReceipt: fiscal.KindReceipt,
		fn.TypeCorrection: fiscal.KindCorrection}[d.Type]
	return fiscal.Receipt{Kind: kind, FN: d.FN, FD: d.FD, FP: d.FP, At: d.At, Shift: d.Shift, Number: d.Receipt, RegNumber: d.RNM,
		Total: d.Sum, Operation: fiscal.Operation(d.Operation), Test: true}
}

// Submit implements kkt.Driver.
func (d *driver) Submit(_ context.Context, w kkt.Wire, base kkt.Baseline) kkt.Outcome {
	var doc wireDocument
	if err := json.Unmarshal(w.Bytes, &doc); err != nil {
		return outcome(kkt.Rejected, fault.New(fault.WireUnknown, err.Error()))
	}
	r := d.r
	if err := d.ask(); err != nil {
		return kkt.Classify(err)
	}
	if now := r.baseline(); now.FN != base.FN || now.FD != base.FD || now.ShiftOpen != base.ShiftOpen {
		return outcome(kkt.Retry, fault.New(fault.BaselineMoved, ""))
	}
	fate := r.take()
	if d.wrong == DoneThenSend {
		go0(fate, r, doc)
		made := fiscal.Receipt{Kind: doc.Kind, FN: base.FN, FD: base.FD + 1, FP: 1, At: fiscal.Wall(r.clock()), Shift: base.Shift, RegNumber: regNumber,
			Total: doc.Total, Operation: doc.Operation, Test: true}
		if doc.Kind == fiscal.KindShiftOpen {
			made.Shift++
		}
		return kkt.Outcome{Kind: kkt.Done, Receipt: &made}
	}
	if r.intruder {
		r.intruder = false
		r.w.seen[Foreign]++
		r.w.after(askTime, r.stranger)
	}
	noAnswer := outcome(kkt.Ambiguous, fault.New(fault.NoAnswer, "no answer"))
	switch fate {
	case LostRequest:
		d.sleep(patience)
		return noAnswer
	case LateExecution:
		r.running++
		r.w.after(patience+500+r.w.rng("late", int(r.w.now)).Int64N(12_000), func() {
			r.running--
			r.w.tell("%s carries a command out that was given up", r.name())
			_, _ = r.make(doc)
		})
		d.sleep(patience)
		return noAnswer
	case Refused:
		d.sleep(askTime)
		return outcome(kkt.Failed, fault.New(fault.PrinterFault, "refused"))
	case RegisterBusy:
		d.sleep(askTime)
		o := outcome(kkt.Retry, fault.New(fault.Busy, "busy"))
		return o
	}
	if r.w.now < r.paperOut {
		d.sleep(askTime)
		return outcome(kkt.Failed, fault.New(fault.PaperOut, "no paper"))
	}
	var made fn.Document
	var err error
	r.running++
	loses := fate == PowerLoss && r.w.rng("power", int(r.w.now)).IntN(2) == 0
	before := r.fn
	r.w.after(makeTime/2, func() {
		r.running--
		switch {
		case loses:
			r.fn.PowerLoss()
			r.offTill = r.w.now + 3000
			err = fn.Failure
		case r.fn != before:
			err = fn.Failure
		default:
			if made, err = r.make(doc); fate == PowerLoss {
				r.fn.PowerLoss()
				r.offTill = r.w.now + 3000
			}
		}
	})
	d.point("driver.afterCommand")
	d.sleep(makeTime)
	switch {
	case fate == PowerLoss, r.off():
		return outcome(kkt.Ambiguous, fault.New(fault.LinkBroken, "the connection broke"))
	case fate == LostAnswer:
		d.sleep(patience)
		return noAnswer
	case fate == RepeatAnswer && base.FD > 0:
		if last, no := r.fn.Document(base.FD); no == nil { // the answer to the command before
			return done(last)
		}
		return noAnswer
	case err != nil && r.fn != before:
		return noAnswer
	case err != nil:
		return outcome(kkt.Failed, faultOf(err))
	}
	d.point("driver.afterAnswer")
	return done(made)
}

// go0 is a send nobody waits for.
func go0(fate Kind, r *register, doc wireDocument) {
	switch fate {
	case LostRequest, Refused, RegisterBusy, PowerLoss:
		return
	}
	_, _ = r.make(doc)
}

// Settle implements kkt.Driver: the barrier, then the documents since the
// baseline by the attempt's key.
func (d *driver) Settle(_ context.Context, w kkt.Wire, key kkt.Key, base kkt.Baseline, _ kkt.Ref) kkt.Outcome {
	var doc wireDocument
	if err := json.Unmarshal(w.Bytes, &doc); err != nil {
		return outcome(kkt.Ambiguous, fault.New(fault.WireUnknown, err.Error()))
	}
	if err := d.idle(); err != nil {
		o := kkt.Classify(err)
		return outcome(kkt.Ambiguous, *o.Fault)
	}
	r := d.r
	if r.fn.Serial() != base.FN {
		return outcome(kkt.Ambiguous, fault.New(fault.FNReplaced, "ФН "+r.fn.Serial()+" instead of "+base.FN))
	}
	docs := r.fn.Documents(base.FD+1, 0)
	switch d.wrong {
	case RetryBlindly:
		return outcome(kkt.Failed, fault.New(fault.NotMade, "sent again"))
	case CounterMoved:
		if len(docs) > 0 {
			x := receiptOf(docs[0])
			x.Total, x.Operation, x.Kind = doc.Total, doc.Operation, doc.Kind
			return kkt.Outcome{Kind: kkt.Done, Receipt: &x}
		}
		return outcome(kkt.Failed, fault.New(fault.NotMade, ""))
	}
	var found []fn.Document
	for _, x := range docs {
		d.point("driver.betweenDocuments")
		d.sleep(askTime)
		report := doc.Kind == fiscal.KindShiftOpen && x.Type == fn.TypeShiftOpen && x.Shift == base.Shift+1 ||
			doc.Kind == fiscal.KindShiftClose && x.Type == fn.TypeShiftClose && x.Shift == base.Shift
		if report || x.Key != "" && x.Key == string(key) {
			found = append(found, x)
		}
	}
	switch len(found) {
	case 0:
		return outcome(kkt.Failed, fault.New(fault.NotMade, ""))
	case 1:
		return done(found[0])
	}
	return outcome(kkt.Ambiguous, fault.New(fault.KeyTwice, fmt.Sprintf("%d and %d", found[0].FD, found[1].FD)))
}

// Units implements kkt.Driver.
func (d *driver) Units(context.Context) ([]kkt.Unit, error) {
	if err := d.ask(); err != nil {
		return nil, err
	}
	return []kkt.Unit{d.r.unit()}, nil
}

// Probe implements kkt.Driver.
func (d *driver) Probe(context.Context) error { return d.ask() }

// ReadDocument implements kkt.DocumentReader.
func (d *driver) ReadDocument(_ context.Context, serial string, fd uint32) (kkt.Stored, error) {
	if err := d.ask(); err != nil {
		return kkt.Stored{}, err
	}
	x, err := d.r.fn.Document(fd)
	if serial != d.r.fn.Serial() || err != nil {
		return kkt.Stored{}, fmt.Errorf("document %s/%d: %w", serial, fd, fault.New(fault.DocumentUnread, "not in the archive"))
	}
	s := kkt.Stored{Receipt: receiptOf(x), Type: uint16(x.Type), Document: x.TLV, Confirmed: true}
	if x.KeyName == kkt.KeyName {
		s.Key = kkt.Key(x.Key)
	}
	if d.wrong == RetryBlindly || d.wrong == DoneThenSend {
		s.Key = "" // who does not look at documents finds nothing of his own
	}
	return s, nil
}

var (
	_ kkt.Driver         = (*driver)(nil)
	_ kkt.DocumentReader = (*driver)(nil)
)
