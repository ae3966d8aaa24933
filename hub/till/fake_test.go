package till

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

// fate is what happens to one exchange with the fake register.
type fate int

const (
	fine        fate = iota
	lostRequest      // the request never arrives, the caller times out
	lostAnswer       // it is executed, the caller times out
	late             // the caller times out, it is executed later
	refused          // certainly not made
	busyNow          // not taken
	strangerIn       // someone else makes a document just before
	unreachable
	fateCount
)

// register is a virtual ФН behind a fake driver. Two registers are never shared
// between tests.
type register struct {
	mu       sync.Mutex
	now      func() time.Time
	fn       string
	inn      string
	docs     []kkt.Stored // docs[i] is ФД i+1
	shift    uint32
	open     bool
	openedAt time.Time
	buffered *wireDoc // a command that has not been executed yet
	fates    []fate   // of the next exchanges; fine when used up
	settle   strategy
	service  time.Duration
	bug      bool // Submit panics

	ahead   time.Duration           // of its clock before the hub's
	down    bool                    // it can't be reached
	refuse  map[kkt.Kind]fault.Code // every document is refused in this way
	unread  map[uint32]bool         // documents it does not give
	shown   []kkt.Fault             // what its state tells
	unsent  uint32
	noClock bool // it does not let its clock be set
}

// clock is the register's own wall clock.
func (r *register) clock() time.Time { return fiscal.Wall(r.now()).Add(r.ahead) }

func (r *register) age() time.Duration { return r.clock().Sub(r.openedAt) }

// strategy is how the fake driver settles: one right way and the wrong ones of
// reliability.md C.3.1.
type strategy int

const (
	barrierAndKey   strategy = iota // wait until idle, then look for the key: right
	retryBlindly                    // not answered: send again
	doneFirst                       // count as done, then send
	counterMoved                    // the counter moved: it was us
	keyButNoWaiting                 // look for the key, but do not wait until idle
)

type wireDoc struct {
	Key  kkt.Key
	Kind fiscal.DocumentKind
	Sum  int64
	Op   fiscal.Operation
}

func newRegister(now func() time.Time, fn, inn string) *register {
	r := &register{now: now, fn: fn, inn: inn}
	r.add(wireDoc{}, 1) // registration report
	return r
}

func (r *register) fate() fate {
	if len(r.fates) == 0 {
		return fine
	}
	f := r.fates[0]
	r.fates = r.fates[1:]
	return f
}

func (r *register) add(d wireDoc, kind uint16) kkt.Stored {
	fd := uint32(len(r.docs) + 1)
	doc := kkt.Stored{Type: kind, Key: d.Key, Receipt: fiscal.Receipt{Kind: d.Kind, FN: r.fn, FD: fd, FP: 1000 + fd, At: r.clock(),
		Shift: r.shift, Number: fd, RegNumber: "0000000001012345", Total: d.Sum, Operation: d.Op, Test: true}}
	r.docs = append(r.docs, doc)
	return doc
}

// execute makes the document.
func (r *register) execute(d wireDoc) (kkt.Stored, *kkt.Fault) {
	bad := func(c fault.Code) (kkt.Stored, *kkt.Fault) {
		f := fault.New(c, "")
		return kkt.Stored{}, &f
	}
	if last := r.docs[len(r.docs)-1].Receipt.At; r.clock().Before(last) {
		return bad(fault.ClockWrong)
	}
	switch d.Kind {
	case fiscal.KindShiftOpen:
		if r.open {
			return bad(fault.ShiftOpen)
		}
		r.shift, r.open, r.openedAt = r.shift+1, true, r.clock()
		d.Key = "" // shift reports carry no key
		return r.add(d, 2), nil
	case fiscal.KindShiftClose:
		if !r.open {
			return bad(fault.ShiftClosed)
		}
		r.open = false
		d.Key = ""
		return r.add(d, 5), nil
	}
	if !r.open {
		return bad(fault.ShiftClosed)
	}
	if r.age() > 24*time.Hour {
		return bad(fault.ShiftExpired)
	}
	return r.add(d, 3), nil
}

func (r *register) flush() {
	if r.buffered != nil {
		d := *r.buffered
		r.buffered = nil
		_, _ = r.execute(d)
	}
}

// stranger makes a receipt of someone else.
func (r *register) stranger() {
	if !r.open {
		r.shift, r.open, r.openedAt = r.shift+1, true, r.clock()
		r.add(wireDoc{Kind: fiscal.KindShiftOpen}, 2)
	}
	if r.age() <= 24*time.Hour {
		r.add(wireDoc{Kind: fiscal.KindReceipt, Sum: 100, Op: fiscal.Sell}, 3)
	}
}

// driver is a lane's way to a register.
type driver struct{ r *register }

func (d driver) Encode(doc fiscal.Document, key kkt.Key, _ kkt.Registration) (kkt.Wire, error) {
	if doc.Total < 0 {
		return kkt.Wire{}, &kkt.Problem{Kind: kkt.Rejected, Fault: fault.New(fault.AmountTooBig, "")}
	}
	b, err := json.Marshal(wireDoc{Key: key, Kind: doc.Kind, Sum: doc.Total, Op: doc.Operation})
	return kkt.Wire{Driver: "fake", Bytes: b, Summary: string(doc.Kind)}, err
}

func down() error {
	return &kkt.Problem{Kind: kkt.Retry, Fault: fault.New(fault.Unreachable, "no route")}
}

func (d driver) Ready(context.Context) (kkt.Baseline, error) {
	d.r.mu.Lock()
	defer d.r.mu.Unlock()
	if d.r.down {
		return kkt.Baseline{}, down()
	}
	switch d.r.fate() {
	case unreachable:
		return kkt.Baseline{}, down()
	case strangerIn:
		d.r.stranger()
	default:
	}
	if d.r.settle != keyButNoWaiting {
		d.r.flush()
	}
	return d.r.baseline(), nil
}

func (r *register) baseline() kkt.Baseline {
	return kkt.Baseline{FN: r.fn, FD: uint32(len(r.docs)), Shift: r.shift, ShiftOpen: r.open,
		Expired: r.open && r.age() > 24*time.Hour}
}

func outcome(k kkt.Kind, c fault.Code) kkt.Outcome {
	f := fault.New(c, "")
	return kkt.Outcome{Kind: k, Fault: &f}
}

func done(d kkt.Stored) kkt.Outcome {
	r := d.Receipt
	return kkt.Outcome{Kind: kkt.Done, Receipt: &r}
}

func (d driver) Submit(_ context.Context, w kkt.Wire, base kkt.Baseline) kkt.Outcome {
	r := d.r
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.service > 0 {
		time.Sleep(r.service)
	}
	if r.bug {
		panic("a bug in the driver")
	}
	var doc wireDoc
	if err := json.Unmarshal(w.Bytes, &doc); err != nil {
		return outcome(kkt.Rejected, fault.WireUnknown)
	}
	f := r.fate()
	if r.down {
		return outcome(kkt.Retry, fault.Unreachable)
	}
	for kind, code := range r.refuse {
		return outcome(kind, code)
	}
	if f == strangerIn {
		r.stranger()
	}
	if r.baseline().FD != base.FD {
		return outcome(kkt.Retry, fault.BaselineMoved)
	}
	ambiguous := outcome(kkt.Ambiguous, fault.NoAnswer)
	if r.settle == doneFirst {
		made := kkt.Stored{Receipt: fiscal.Receipt{Kind: doc.Kind, FN: r.fn, FD: base.FD + 1, Shift: base.Shift, Total: doc.Sum, Operation: doc.Op, At: fiscal.Wall(r.now())}}
		if doc.Kind == fiscal.KindShiftOpen {
			made.Receipt.Shift++
		}
		ambiguous = done(made)
	}
	switch f {
	case lostRequest, unreachable:
		return ambiguous
	case late:
		r.buffered = &doc
		return ambiguous
	case refused:
		return outcome(kkt.Failed, fault.PaperOut)
	case busyNow:
		return outcome(kkt.Retry, fault.Busy)
	case fine, lostAnswer, strangerIn, fateCount:
	}
	made, bad := r.execute(doc)
	switch {
	case f == lostAnswer:
		return ambiguous
	case bad != nil:
		return kkt.Outcome{Kind: kkt.Failed, Fault: bad}
	}
	return done(made)
}

func (d driver) Settle(_ context.Context, w kkt.Wire, key kkt.Key, base kkt.Baseline, _ kkt.Ref) kkt.Outcome {
	r := d.r
	r.mu.Lock()
	defer r.mu.Unlock()
	var doc wireDoc
	if err := json.Unmarshal(w.Bytes, &doc); err != nil {
		return outcome(kkt.Ambiguous, fault.WireUnknown)
	}
	if r.down {
		return outcome(kkt.Ambiguous, fault.Unreachable)
	}
	switch r.fate() {
	case unreachable, lostRequest, lostAnswer, late, busyNow:
		return outcome(kkt.Ambiguous, fault.Unreachable)
	case strangerIn:
		r.stranger()
	default:
	}
	if base.FN != r.fn {
		return outcome(kkt.Ambiguous, fault.FNReplaced)
	}
	switch r.settle {
	case retryBlindly:
		return outcome(kkt.Failed, fault.NotMade)
	case counterMoved:
		if uint32(len(r.docs)) > base.FD {
			x := r.docs[base.FD]
			x.Receipt.Total, x.Receipt.Operation = doc.Sum, doc.Op
			return done(x)
		}
		return outcome(kkt.Failed, fault.NotMade)
	case keyButNoWaiting:
	case barrierAndKey, doneFirst:
		r.flush()
	}
	for _, x := range r.docs[base.FD:] {
		report := doc.Kind == fiscal.KindShiftOpen && x.Type == 2 && x.Receipt.Shift == base.Shift+1 ||
			doc.Kind == fiscal.KindShiftClose && x.Type == 5 && x.Receipt.Shift == base.Shift
		if report || x.Key != "" && x.Key == key {
			return done(x)
		}
	}
	return outcome(kkt.Failed, fault.NotMade)
}

func (d driver) Units(context.Context) ([]kkt.Unit, error) {
	r := d.r
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fate() == unreachable || r.down {
		return nil, down()
	}
	u := kkt.Unit{Serial: "unit of " + r.fn, Model: "fake", Clock: r.clock(), Faults: r.shown,
		FN: kkt.FNState{Serial: r.fn, Phase: 3, LastFD: uint32(len(r.docs)), LastAt: r.docs[len(r.docs)-1].Receipt.At, Shift: r.shift, ShiftOpen: r.open,
			Test: fiscal.TestFN(r.fn), Unsent: r.unsent},
		Registration: kkt.Registration{INN: r.inn, FFD: kkt.FFD12, RNM: "0000000001012345"}}
	if r.open {
		u.FN.OpenedAt = r.openedAt
	}
	return []kkt.Unit{u}, nil
}

func (d driver) Probe(context.Context) error { return nil }

func (d driver) ReadDocument(_ context.Context, fn string, fd uint32) (kkt.Stored, error) {
	r := d.r
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fate() == unreachable || r.down {
		return kkt.Stored{}, down()
	}
	if r.unread[fd] {
		return kkt.Stored{}, fmt.Errorf("document %s/%d: %w", fn, fd, fault.New(fault.DocumentUnread, "the register is printing"))
	}
	if fn != r.fn || fd < 1 || int(fd) > len(r.docs) {
		return kkt.Stored{}, fmt.Errorf("document %s/%d: %w", fn, fd, fault.New(fault.DocumentUnread, ""))
	}
	x := r.docs[fd-1]
	if r.settle == retryBlindly {
		x.Key = "" // who retries blindly never looks; the till's own look at new documents would save him
	}
	return x, nil
}

// SetClock is allowed as registers allow it: with the shift closed.
func (d driver) SetClock(_ context.Context, at time.Time) error {
	r := d.r
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.down:
		return down()
	case r.open || r.noClock:
		return &kkt.Problem{Kind: kkt.Retry, Fault: fault.New(fault.RegisterRefused, "the clock can't be set now")}
	}
	r.ahead = at.Sub(fiscal.Wall(r.now()))
	return nil
}

var (
	_ kkt.ClockSetter    = driver{}
	_ kkt.Driver         = driver{}
	_ kkt.DocumentReader = driver{}
)
