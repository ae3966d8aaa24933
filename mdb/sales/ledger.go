package sales

import (
	"github.com/chekomat/chekomat/mdb"
)

// phase is where a cash transaction stands (16.5).
type phase uint8

const (
	phaseWait    phase = iota // no money
	phaseCredit               // money in, nothing bought
	phaseVending              // acceptance disabled while there is credit
	phaseChange               // acceptance enabled again: change may still be paid
)

func (p phase) String() string {
	return [...]string{"wait", "credit", "vending", "change"}[p&3]
}

// ledger counts cash in and out in hundredths of the currency.
type ledger struct {
	coin, bill cashDevice
	hoppers    [2]cashDevice
	present    [2]bool // changer, validator answered something

	phase     phase
	in, out   int64
	explained int64 // announced by CASH SALE, REPORT or REVALUE
	vended    bool  // an announced product took part
	announces bool  // this VMC sends CASH SALE
	blind     bool  // money of unknown scale moved
	service   bool  // coins while everything else was disabled
	known     bool  // a full wait state was seen: the ledger began at zero
	lost      bool  // words were lost inside the transaction

	waitSince int64 // start of the wait state being watched; 0 none
	quiet     int64 // deadline of the decision; 0 none
	stale     int64 // deadline for the rest of an announced sale; 0 none
	touched   int64 // last time money moved

	escrowed bool // a bill lies in escrow
	escrowTo int64

	pay [cashDevices]payout

	lever     int64 // until when a payout is what the return lever asked for; 0 not pressed
	returning bool  // the payouts since give back credit: no product went out
}

// heard notes that changer or validator answered.
func (l *ledger) heard(i int) {
	if i < len(l.present) {
		l.present[i] = true
	}
}

// keep makes what is left the credit of the same customer.
func (l *ledger) keep() {
	l.in, l.out, l.explained, l.returning, l.lever = l.credit(), 0, 0, false, 0
}

// paying reports whether money is on its way out.
func (l *ledger) paying() bool {
	for i := range l.pay {
		if l.pay[i].kind != payNone {
			return true
		}
	}
	return false
}

// cashDevice is what is known of changer or validator.
type cashDevice struct {
	money   scaling
	credits [16]uint8
	on      tri
	tubes   [16]int16 // coins by type, -1 unknown
	given   [16]uint8 // dispensed since the last TUBE STATUS
}

// payout is money on its way out.
type payout struct {
	kind   payKind
	acked  bool
	polled bool // paid values were heard
	typ    uint8
	number uint16
	want   int64
	paid   int64
	until  int64
}

type payKind uint8

const (
	payNone  payKind = iota
	payCoins         // DISPENSE, DISPENSE BILL
	payValue         // alternative payout, DISPENSE VALUE
)

func (l *ledger) start(cfg Config) {
	l.known = cfg.StartsIdle
	for _, d := range []*cashDevice{&l.coin, &l.bill} {
		for i := range d.tubes {
			d.tubes[i] = -1
		}
	}
}

func (c *cashDevice) preset(s Setup) {
	c.money.set(s.Scale, s.Decimals, s.Currency)
	c.credits = s.Credits
}

// value gives what one coin or bill of a type is worth in hundredths; ok is
// false when that is not known. A token is worth nothing.
func (c *cashDevice) value(typ uint8) (v int64, ok bool) {
	credit := c.credits[typ&15]
	if credit == mdb.CreditToken {
		return 0, true
	}
	return c.scaled(int64(credit))
}

func (c *cashDevice) scaled(raw int64) (v int64, ok bool) {
	return c.money.amount(raw).Minor()
}

// credit is what the ledger holds.
func (l *ledger) credit() int64 { return l.in - l.out - l.explained }

func (l *ledger) code() string {
	for _, c := range []scaling{l.coin.money, l.bill.money, l.hoppers[0].money, l.hoppers[1].money} {
		if c.known && c.currency != 0 {
			return c.amount(0).Currency
		}
	}
	return ""
}

// unheardOf reports whether too little was heard to say that the machine takes
// no cash.
func (l *ledger) unheardOf(t int64) bool { return !l.present[0] && !l.present[1] && l.touched == 0 }

func (l *ledger) due() int64 {
	d := int64(never)
	for _, t := range []int64{l.quiet, l.stale} {
		if t != 0 {
			d = min(d, t)
		}
	}
	if l.escrowed {
		d = min(d, l.escrowTo)
	}
	for i := range l.pay {
		if l.pay[i].kind != payNone {
			d = min(d, l.pay[i].until)
		}
	}
	return d
}

func (r *Recovery) expireLedger(t int64) {
	l := &r.cash
	if l.escrowed && l.escrowTo <= t {
		l.escrowed = false
	}
	for i := range l.pay {
		if l.pay[i].kind != payNone && l.pay[i].until <= t {
			r.paid(i, t)
		}
	}
	if l.quiet != 0 && l.quiet <= t {
		r.decide(t)
	}
	if l.stale != 0 && l.stale <= t {
		l.stale = 0
		if c := l.credit(); l.phase == phaseCredit && c > 0 {
			r.incident(t, "credit_left", "cash stayed in the machine after an announced sale", nil, hundredths(c, l.code()))
			r.clearLedger(t)
		}
	}
}

// credited takes money that is surely in the machine.
func (r *Recovery) credited(v int64, ok bool, t int64) {
	l := &r.cash
	if ok && v == 0 {
		return
	}
	if l.phase == phaseChange {
		// A new coin closes the sale before it.
		r.decide(t)
	}
	if l.phase == phaseWait {
		l.phase = phaseCredit
		l.service = r.serviceOnly()
		if !l.known && l.waitSince != 0 && t-l.waitSince >= r.cfg.Quiet.Microseconds() {
			l.known = true
		}
	}
	if !ok {
		l.blind = true
	}
	l.in += v
	l.touched = t
	l.waitSince = 0
	r.restale(t)
}

// restale starts the clock of a credit that nobody may claim: only where sales
// are announced, because there the ledger merely confirms.
func (r *Recovery) restale(t int64) {
	if r.cash.announces || r.gate.reported {
		r.cash.stale = t + r.cfg.CreditLimit.Microseconds()
	}
}

// serviceOnly reports whether the changer alone takes money while validator and
// readers are known to be disabled (16.10 no. 13).
func (r *Recovery) serviceOnly() bool {
	if r.cash.coin.on != yes || r.cash.bill.on != no {
		return false
	}
	disabled := false
	for i := range r.readers {
		switch r.readers[i].enabled {
		case yes:
			return false
		case no:
			disabled = true
		}
	}
	return disabled
}

// explain takes money that an announcement accounts for. product is false for
// REVALUE.
func (r *Recovery) explain(a Amount, product bool) {
	l := &r.cash
	if r.cfg.Deaf || l.phase == phaseWait {
		return
	}
	v, ok := a.Minor()
	if !ok {
		l.blind = true
		return
	}
	l.explained += v
	l.vended = l.vended || product
	l.touched = r.now
	r.returned(r.now)
}

// returned closes a transaction whose money is accounted for to the last coin.
func (r *Recovery) returned(t int64) {
	l := &r.cash
	if l.phase == phaseCredit && !l.blind && l.credit() == 0 {
		r.ledgerDecided(t, 0, "")
		r.clearLedger(t)
	}
}

// acceptance takes COIN TYPE and BILL TYPE: enabling and disabling tells where
// a purchase stands.
func (r *Recovery) acceptance(i int, on bool, t int64) {
	l := &r.cash
	d := &l.coin
	if i == 1 {
		d = &l.bill
	}
	d.on = triOf(on)
	if on && l.pay[i].kind != payNone {
		r.paid(i, t)
	}
	switch {
	case !on && l.phase == phaseCredit && (l.credit() > 0 || l.blind):
		if !l.paying() {
			l.returning = false
		}
		l.phase = phaseVending
		r.activity(t, ActivityVendStarted, nil)
	case on && l.phase == phaseVending:
		l.phase = phaseChange
		l.quiet = t + r.cfg.Quiet.Microseconds()
		r.activity(t, ActivityVendEnded, nil)
	case !on && l.phase == phaseChange:
		if l.returning && l.credit() > 0 && !l.paying() {
			l.keep()
		}
		l.phase, l.quiet = phaseVending, 0
	case l.phase == phaseWait && on && l.waitSince == 0:
		l.waitSince = t
	case l.phase == phaseWait && !on:
		l.waitSince = 0
	}
}

// decide closes a cash transaction when everything was quiet (16.5).
func (r *Recovery) decide(t int64) {
	l := &r.cash
	l.quiet = 0
	for i := range l.pay {
		if l.pay[i].kind != payNone {
			l.quiet = l.pay[i].until
			return
		}
	}
	rest := l.credit()
	code := l.code()
	a := hundredths(rest, code)
	switch {
	case l.blind:
		r.ledgerDecided(t, 0, "")
		r.incident(t, "cash_unknown_scale", "cash moved while the scale of changer or validator was unknown", nil, Amount{})
	case rest < 0:
		r.ledgerDecided(t, 0, "")
		r.incident(t, "payout_without_credit", "more cash was paid out than taken in", nil, hundredths(-rest, code))
	case rest == 0:
		r.ledgerDecided(t, 0, "")
	case !l.known || l.lost:
		r.ledgerDecided(t, 0, "")
		r.incident(t, "cash_start_unknown", "listening began or was interrupted inside a cash transaction", nil, a)
	case l.service:
		r.ledgerDecided(t, 0, "")
		r.incident(t, "service_cash", "coins while validator and readers were disabled", nil, a)
	case l.returning:
		// The lever gave back a part: the rest stays credit (16.5).
		l.keep()
		l.phase = phaseCredit
		r.restale(t)
		return
	case r.ledgerDecided(t, rest, code):
	case l.vended:
		// Announced sales took part: the rest is credit for the next purchase.
		l.phase, l.in, l.out, l.explained, l.vended = phaseCredit, rest, 0, 0, true
		r.restale(t)
		return
	default:
		class := weaker(ClassC, r.cfg.Cap)
		e := Event{
			Kind: KindSale, T: t, Class: class, Source: "ledger", Amount: a,
			Tendered: hundredths(l.in, code), Change: hundredths(l.out, code),
			Parts: []Part{{Source: "cash", Kind: "cash", Amount: a}},
		}
		r.settleSale(e)
	}
	r.clearLedger(t)
}

// clearLedger starts a wait state.
func (r *Recovery) clearLedger(t int64) {
	l := &r.cash
	l.phase, l.in, l.out, l.explained = phaseWait, 0, 0, 0
	l.vended, l.blind, l.service, l.lost, l.returning = false, false, false, false, false
	l.quiet, l.stale, l.lever, l.waitSince = 0, 0, 0, t
	l.known = true
}

// loseLedger marks what lost words do to cash: no sale until a wait state was seen.
func (r *Recovery) loseLedger(note string) {
	l := &r.cash
	if l.phase != phaseWait {
		r.incident(r.now, "cash_interrupted", "words were lost inside a cash transaction: "+note, nil, hundredths(l.credit(), l.code()))
	}
	l.phase, l.in, l.out, l.explained = phaseWait, 0, 0, 0
	l.vended, l.blind, l.service, l.escrowed, l.returning = false, false, false, false, false
	l.quiet, l.stale, l.lever, l.waitSince, l.known = 0, 0, 0, 0, false
	l.pay = [cashDevices]payout{}
	for i := range l.coin.tubes {
		l.coin.tubes[i], l.coin.given[i] = -1, 0
	}
	r.applied = [cashDevices]waiting{}
}
