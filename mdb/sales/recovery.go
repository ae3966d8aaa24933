package sales

import (
	"math"

	"github.com/chekomat/chekomat/mdb"
)

// never is a deadline that does not come.
const never = math.MaxInt64

// gap between words after which blocks may have ended by silence, µs.
const silence = mdb.WordTime + 5000

// Stats count what went through.
type Stats struct {
	mdb.Counts
	UnknownAddresses uint64 `json:"unknown_addresses"`
	Unreadable       uint64 `json:"unreadable"` // good blocks whose message no rule reads
	Sales            uint64 `json:"sales"`
	Incidents        uint64 `json:"incidents"`
}

// Recovery turns words into events. It is used by one goroutine; a slice of
// events is valid until the next call.
type Recovery struct {
	cfg      Config
	fr       mdb.Framer
	out      []Event
	stats    Stats
	lastWord int64
	now      int64
	deadline int64
	fresh    bool // no word since Lost

	pend    waiting              // data of a peripheral the VMC has not accepted yet
	unheard [cashDevices]waiting // data of a cash device whose acceptance was not heard
	applied [cashDevices]waiting // data of a cash device last applied
	readers [2]reader
	cash    ledger
	gate    gateway
	held    []heldSale
	recent  [8]announced
	recentN int

	messages []mdb.AnswerMessage // scratch
}

// New makes a recovery that knows nothing of the bus yet.
func New(cfg Config) *Recovery {
	r := &Recovery{cfg: cfg.Defaults(), lastWord: math.MinInt64 / 2, now: math.MinInt64 / 2, deadline: never}
	if r.cfg.Cap == "" {
		r.cfg.Cap = ClassA
	}
	r.readers[0].dev, r.readers[1].dev = mdb.Cashless1, mdb.Cashless2
	r.cash.start(r.cfg)
	for _, s := range r.cfg.Setups {
		r.preset(s)
	}
	for _, s := range []*scaling{
		&r.readers[0].money, &r.readers[1].money, &r.cash.coin.money, &r.cash.bill.money,
		&r.cash.hoppers[0].money, &r.cash.hoppers[1].money, &r.gate.money,
	} {
		r.assume(s)
	}
	return r
}

// preset takes a set-up known beforehand.
func (r *Recovery) preset(s Setup) {
	switch {
	case s.Device.Cashless():
		d := r.reader(s.Device)
		d.money.set(s.Scale, s.Decimals, s.Currency)
		d.level, d.options, d.fresh, d.ec = s.Level, s.Options, true, no
		if s.Wide {
			d.ec = yes
		}
	case s.Device == mdb.Changer:
		r.cash.coin.preset(s)
	case s.Device == mdb.Validator:
		r.cash.bill.preset(s)
	case isHopper(s.Device):
		r.device(cashIndex(s.Device)).preset(s)
	case s.Device == mdb.Gateway:
		r.gate.money.set(s.Scale, s.Decimals, s.Currency)
	}
}

// Stats gives the counts so far.
func (r *Recovery) Stats() Stats {
	s := r.stats
	s.Counts = r.fr.Counts()
	return s
}

// Word takes the next word in the order heard.
func (r *Recovery) Word(w mdb.Word) []Event {
	r.out = r.out[:0]
	if r.fresh {
		r.begin(w.T)
	}
	if w.T-r.lastWord > silence {
		r.blocks(r.fr.Advance(w.T))
		r.pass(w.T)
	} else if w.T >= r.deadline {
		r.pass(w.T)
	}
	r.lastWord = w.T
	r.now = max(r.now, w.T)
	if bs := r.fr.Push(w); len(bs) > 0 {
		r.blocks(bs)
	}
	return r.out
}

// begin arms what could not be armed before the source's clock was known.
func (r *Recovery) begin(t int64) {
	r.fresh = false
	for i := range r.readers {
		if d := &r.readers[i]; d.state != vendIdle && d.until == never {
			d.until = t + r.cfg.VendLimit.Microseconds()
		}
	}
	r.deadline = r.next()
}

// Advance says that nothing else was heard up to t, µs on the source's clock.
func (r *Recovery) Advance(t int64) []Event {
	r.out = r.out[:0]
	if t > r.now && !r.fresh {
		r.blocks(r.fr.Advance(t))
		r.pass(t)
		r.now = t
	}
	return r.out
}

// pass lets every deadline up to t come, earliest first.
func (r *Recovery) pass(t int64) {
	for r.deadline <= t {
		at := r.deadline
		r.now = max(r.now, at)
		r.expire(at)
		r.deadline = r.next()
		if r.deadline <= at {
			// expire must clear what it served; a second visit proves it did not.
			r.expire(at)
			r.deadline = max(r.next(), at+1)
		}
	}
}

// next gives the earliest deadline.
func (r *Recovery) next() int64 {
	d := int64(never)
	for i := range r.readers {
		d = min(d, r.readers[i].due())
	}
	d = min(d, r.cash.due())
	for i := range r.held {
		d = min(d, r.held[i].until)
	}
	return d
}

func (r *Recovery) expire(t int64) {
	for i := range r.readers {
		r.expireReader(&r.readers[i], t)
	}
	r.expireLedger(t)
	r.expireHeld(t)
}

func (r *Recovery) blocks(bs []mdb.Block) {
	for i := range bs {
		r.block(&bs[i])
	}
}

func (r *Recovery) block(b *mdb.Block) {
	switch b.Kind {
	case mdb.Command:
		r.notAccepted()
		if b.N == 2 && b.Data[0] != 0 && b.Data[0] == mdb.PollCommand(mdb.DeviceOf(b.Data[0])) {
			return
		}
		r.command(b)
	case mdb.Answer:
		r.answer(b)
	case mdb.ACK:
		if b.Line == mdb.Slave {
			if !r.acknowledged(b) {
				return
			}
		} else if r.pend.n > 0 {
			r.accept(&r.pend)
			r.pend.n = 0
		} else {
			return
		}
	case mdb.NAK, mdb.RET:
		if b.Line == mdb.Master {
			r.pend.n = 0
		}
		return
	case mdb.Break:
		r.busReset(b)
	case mdb.Invalid:
		r.damaged(b)
		return
	default:
		return
	}
	r.deadline = r.next()
}

// damaged notes in an open cash transaction that something was not understood
// that may have moved money: a payout that was not heard would leave credit that
// is none. What a reader answered to a good command is not of it.
func (r *Recovery) damaged(b *mdb.Block) {
	if r.cash.phase == phaseWait {
		return
	}
	if d := mdb.DeviceOf(b.To); b.Line == mdb.Slave && b.To != 0 && d != mdb.Changer && d != mdb.Validator && !isHopper(d) {
		return
	}
	r.cash.lost = true
}

// command handles a good VMC block other than POLL.
func (r *Recovery) command(b *mdb.Block) {
	d := mdb.DeviceOf(b.Data[0])
	switch {
	case d.Cashless():
		r.readerCommand(r.reader(d), b)
	case d == mdb.Changer || d == mdb.Validator || isHopper(d):
		r.cashCommand(d, b)
	case d == mdb.Gateway:
		r.gatewayCommand(b)
	case !d.Known():
		r.stats.UnknownAddresses++
	}
}

// answer handles a good data block of a peripheral.
func (r *Recovery) answer(b *mdb.Block) {
	d, ok := b.Device()
	if !ok || b.Marks&mdb.Unordered != 0 {
		return
	}
	switch {
	case d.Cashless():
		r.readerAnswer(r.reader(d), b)
	case d == mdb.Changer || d == mdb.Validator || isHopper(d):
		i := cashIndex(d)
		r.cash.heard(i)
		if u := &r.unheard[i]; u.n > 0 && u.to == b.To {
			// The VMC's reply to the last answer was not heard. The same data again
			// says it was silence; anything else says the tap missed an ACK.
			if !u.startOf(b.Payload()) {
				r.accept(u)
			}
			u.n = 0
		}
		r.pend.keep(b)
	}
}

// acknowledged handles the ACK of a peripheral; false when nothing changed.
func (r *Recovery) acknowledged(b *mdb.Block) bool {
	d, ok := b.Device()
	switch {
	case !ok:
		return false
	case d.Cashless():
		return r.readerAck(r.reader(d), b)
	case d == mdb.Changer || d == mdb.Validator || isHopper(d):
		return r.cashAck(d, b)
	case d == mdb.Gateway:
		r.gate.acked = true
	}
	return false
}

// notAccepted puts data aside whose acceptance was not heard before the VMC went on.
func (r *Recovery) notAccepted() {
	if r.pend.n > 0 {
		r.unheard[cashIndex(mdb.DeviceOf(r.pend.to))] = r.pend
		r.pend.n = 0
	}
}

// busReset handles a break: every device is not initialised, the ledger stays (15.8).
func (r *Recovery) busReset(b *mdb.Block) {
	r.pend.n = 0
	for i := range r.readers {
		r.resetReader(&r.readers[i], b.End)
	}
	r.gate.reported = false
}

// Lost says that words were lost before the next one: the state of the bus is
// unknown. What is pending may still be completed, but never with class A.
func (r *Recovery) Lost(note string) []Event {
	r.out = r.out[:0]
	r.fr.Reset()
	r.pend.n, r.unheard = 0, [cashDevices]waiting{}
	for i := range r.readers {
		r.readers[i].lost()
	}
	r.gate.acked = true
	r.loseLedger(note)
	// The clock of a restarted module starts anew: deadlines on the old one are
	// settled now rather than never.
	r.settle()
	r.lastWord, r.now, r.fresh = math.MinInt64/2, math.MinInt64/2, true
	r.deadline = r.next()
	return r.out
}

// reader gives the state of a reader address.
func (r *Recovery) reader(d mdb.Device) *reader {
	if d == mdb.Cashless1 {
		return &r.readers[0]
	}
	return &r.readers[1]
}

func (r *Recovery) emit(e Event) {
	switch e.Kind {
	case KindSale:
		r.stats.Sales++
	case KindIncident:
		r.stats.Incidents++
	}
	r.out = append(r.out, e)
}

// incident emits an incident; class D.
func (r *Recovery) incident(t int64, code, detail string, d *reader, a Amount) {
	e := Event{Kind: KindIncident, T: t, Class: ClassD, Code: code, Detail: detail, Amount: a}
	if d != nil {
		e.Reader = uint8(d.dev)
	}
	r.emit(e)
}

func (r *Recovery) activity(t int64, code string, d *reader) {
	e := Event{Kind: KindActivity, T: t, Code: code}
	if d != nil {
		e.Reader = uint8(d.dev)
		e.Item, e.ItemKnown = d.item, d.item != mdb.ItemUnknown
		e.Amount = d.money.amount(int64(d.price))
	}
	r.emit(e)
}

// waiting is a data block kept until its fate is known; n 0 is none.
type waiting struct {
	to, sub byte
	n       uint8
	t       int64
	data    [mdb.MaxBlock]byte
}

func (p *waiting) keep(b *mdb.Block) {
	d := b.Payload()
	p.to, p.sub, p.t, p.n = b.To, b.Sub, b.End, uint8(len(d))
	copy(p.data[:], d)
}

func (p *waiting) bytes() []byte { return p.data[:p.n] }

// startOf reports whether b begins with the kept data: peripherals repeat what
// was not accepted, with newer events behind it.
func (p *waiting) startOf(b []byte) bool {
	return len(b) >= int(p.n) && string(b[:p.n]) == string(p.bytes())
}

// cashDevices are those that take in or pay out cash: changer, validator and
// two hoppers, in this order.
const cashDevices = 4

func cashIndex(d mdb.Device) int {
	switch d {
	case mdb.Changer:
		return 0
	case mdb.Validator:
		return 1
	case mdb.Hopper1:
		return 2
	}
	return 3
}

func isHopper(d mdb.Device) bool { return d == mdb.Hopper1 || d == mdb.Hopper2 }
