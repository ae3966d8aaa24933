package simulate

import (
	"fmt"

	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/testbench/fn"
)

// Who the registers belong to, and what they are registered as.
const (
	sellerINN = "7707083893"
	regNumber = "0000000001012345"
)

// register is a cash register with a virtual ФН: it takes one command at a time
// and carries it out whether or not anybody waits for the answer.
type register struct {
	w    *world
	n    int // 0, 1…
	fn   *fn.FN
	old  []*fn.FN // replaced, in their order
	jump time.Duration

	next     []Kind // what becomes of the next commands
	offTill  int64
	paperOut int64 // no paper until then
	running  int   // commands taken and not carried out yet
	intruder bool  // makes a receipt as soon as the next command is on its way
}

func newRegister(w *world, n int) *register {
	r := &register{w: w, n: n}
	r.fn = r.insert()
	return r
}

// clock is the register's own, and the ФН's.
func (r *register) clock() time.Time { return r.w.time().Add(r.jump).In(moscow) }

// insert makes a fresh ФН and registers the register with it.
func (r *register) insert() *fn.FN {
	f, err := fn.New(fn.Config{Serial: fmt.Sprintf("9999%06d%06d", r.n+1, len(r.old)+1), Timer: r.clock})
	if err == nil {
		err = f.Begin(fn.CurrentRegistration, r.clock())
	}
	if err == nil {
		err = f.Data(fn.AppendByte(nil, 1209, byte(kkt.FFD12)))
	}
	if err == nil {
		_, err = f.Register(fn.Registration{INN: sellerINN, RNM: regNumber, TaxSystems: 1, Mode: 4, FFD: byte(kkt.FFD12)})
	}
	if err != nil {
		panic(fmt.Sprintf("simulate: a fresh ФН: %v", err))
	}
	return f
}

// replace puts a fresh ФН in; the old one is kept by the service centre.
func (r *register) replace() {
	r.fn.PowerLoss()
	r.old = append(r.old, r.fn)
	r.fn = r.insert()
}

// putBack puts a former ФН in again, so that it can be read.
func (r *register) putBack(serial string) bool {
	for i, f := range r.old {
		if f.Serial() == serial {
			r.old[i], r.fn = r.fn, f
			return true
		}
	}
	return false
}

func (r *register) name() string { return fmt.Sprintf("register %d", r.n+1) }

// all lists every document of the register, of former ФН too.
func (r *register) all() (docs []fn.Document) {
	for _, f := range append(append([]*fn.FN(nil), r.old...), r.fn) {
		docs = append(docs, f.Documents(1, 0)...)
	}
	return docs
}

// off says that the register does not answer.
func (r *register) off() bool { return r.w.now < r.offTill }

// take gives what becomes of the next command.
func (r *register) take() Kind {
	if len(r.next) == 0 {
		return ""
	}
	k := r.next[0]
	r.next = r.next[1:]
	r.w.seen[k]++
	return k
}

// make carries a document out, as far as the ФН lets it.
func (r *register) make(d wireDocument) (fn.Document, error) {
	kind := map[fiscal.DocumentKind]fn.Current{fiscal.KindShiftOpen: fn.CurrentShiftOpen, fiscal.KindShiftClose: fn.CurrentShiftClose,
		fiscal.KindCorrection: fn.CurrentCorrection}[d.Kind]
	if kind == fn.CurrentNone {
		kind = fn.CurrentReceipt
	}
	if err := r.fn.Begin(kind, r.clock()); err != nil {
		return fn.Document{}, err
	}
	doc, err := r.finish(kind, d)
	if err != nil {
		_ = r.fn.Cancel()
		return doc, err
	}
	if _, err := r.fn.Confirm(1 << 20); err != nil { // the OFD takes everything
		return doc, err
	}
	r.w.tell("%s makes %s %d%s", r.name(), doc.Type, doc.FD, ofKey(doc))
	return doc, nil
}

func ofKey(d fn.Document) string {
	if d.Type != fn.TypeReceipt && d.Type != fn.TypeCorrection {
		return ""
	}
	if d.Key == "" {
		return fmt.Sprintf(" of somebody else, %d kopecks", d.Sum)
	}
	back := ""
	if d.Operation == byte(fiscal.SellReturn) {
		back = " back"
	}
	return fmt.Sprintf(", %d kopecks%s, machine %s, attempt %s", d.Sum, back, d.Machine, d.Key[len(d.Key)-2:])
}

func (r *register) finish(kind fn.Current, d wireDocument) (fn.Document, error) {
	if kind != fn.CurrentReceipt && kind != fn.CurrentCorrection {
		return r.fn.FinishShift()
	}
	if err := r.fn.Data(d.elements()); err != nil {
		return fn.Document{}, err
	}
	return r.fn.FinishReceipt(r.clock(), byte(d.Operation), d.Total)
}

// stranger makes a receipt that no job of ours asked for.
func (r *register) stranger() {
	if !r.fn.ShiftState().Open {
		if _, err := r.make(wireDocument{Kind: fiscal.KindShiftOpen}); err != nil {
			return
		}
	}
	_, _ = r.make(wireDocument{Kind: fiscal.KindReceipt, Operation: fiscal.Sell, Total: prices[0]})
}

// closeShift is somebody at the register's own keys.
func (r *register) closeShift() {
	if r.fn.ShiftState().Open {
		_, _ = r.make(wireDocument{Kind: fiscal.KindShiftClose})
	}
}

// unit is what the register says of itself.
func (r *register) unit() kkt.Unit {
	st, sh := r.fn.Status(), r.fn.ShiftState()
	u := kkt.Unit{Serial: fmt.Sprintf("unit%d", r.n+1), Model: "simulated", Clock: fiscal.Wall(r.clock()),
		FN: kkt.FNState{Serial: st.Serial, Phase: uint8(st.Phase), FFD: kkt.FFD12, Document: uint8(st.Current), LastFD: st.LastFD, LastAt: st.Last,
			Shift: uint32(sh.Number), ShiftOpen: sh.Open, Test: fiscal.TestFN(st.Serial), ValidUntil: r.fn.ValidUntil()},
		Registration: kkt.Registration{INN: sellerINN, FFD: kkt.FFD12, RNM: regNumber, TaxSystems: fiscal.OSN}}
	if sh.Open {
		u.FN.OpenedAt, u.FN.Receipts = sh.Opened, uint32(sh.Receipts)
	}
	return u
}

func (r *register) baseline() kkt.Baseline {
	st, sh := r.fn.Status(), r.fn.ShiftState()
	b := kkt.Baseline{FN: st.Serial, FD: st.LastFD, Shift: uint32(sh.Number), ShiftOpen: sh.Open}
	if sh.Open {
		b.Receipts = uint32(sh.Receipts)
		b.Expired = fn.Wall(r.clock()).Sub(sh.Opened) > fn.ShiftLimit
	}
	return b
}

// faultOf says what an answer of the ФН means.
func faultOf(err error) kkt.Fault {
	code := fault.RegisterBroken
	switch fn.CodeOf(err) {
	case fn.StorageOver:
		code = fault.FNFull
	case fn.ResourceOver, fn.LifeOver:
		code = fault.FNExpired
	case fn.ShiftTooLong:
		code = fault.ShiftExpired
	case fn.WrongState:
		code = fault.ShiftClosed
	case fn.BadTime, fn.TimeSkew:
		code = fault.Busy
	default:
	}
	return fault.New(code, err.Error())
}
