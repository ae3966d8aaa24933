package sales

import (
	"math"

	"github.com/chekomat/chekomat/mdb"
)

func (r *Recovery) device(i int) *cashDevice {
	switch i {
	case 0:
		return &r.cash.coin
	case 1:
		return &r.cash.bill
	}
	return &r.cash.hoppers[i-2]
}

// cashCommand handles a command to changer, validator or hopper.
func (r *Recovery) cashCommand(d mdb.Device, b *mdb.Block) {
	i := cashIndex(d)
	m, err := mdb.ParseCommand(b.Payload(), mdb.Dialect{})
	if err != nil {
		r.stats.Unreadable++
		return
	}
	if r.cfg.Deaf {
		return
	}
	switch m := m.(type) {
	case mdb.Reset:
		r.device(i).on = no
		if i < 2 && r.cash.phase == phaseWait && r.cash.waitSince == 0 {
			// The VMC starts up: nothing is in the machine.
			r.cash.known = true
		}
	case mdb.CoinType:
		r.acceptance(0, m.Accept != 0, b.End)
	case mdb.BillType:
		r.acceptance(1, m.Accept != 0, b.End)
	case mdb.Dispense:
		r.pay(0, payCoins, m.Type, uint16(m.Number), 0, b.End)
	case mdb.Payout:
		r.pay(0, payValue, 0, 0, int64(m.Value), b.End)
	case mdb.DispenseBill:
		r.pay(1, payCoins, m.Type&15, m.Number, 0, b.End)
	case mdb.DispenseCoins:
		r.pay(i, payCoins, m.Type&15, m.Number, 0, b.End)
	case mdb.DispenseValue:
		r.pay(i, payValue, 0, 0, int64(m.Value), b.End)
	case mdb.Unknown:
		r.stats.Unreadable++
	}
}

// pay starts a payout of n coins or bills of a type, or of a value in the
// device's scale.
func (r *Recovery) pay(i int, kind payKind, typ uint8, n uint16, value, t int64) {
	p := &r.cash.pay[i]
	d := r.device(i)
	want, ok := d.scaled(value)
	if kind == payCoins {
		want, ok = d.value(typ)
		want *= int64(n)
	}
	if p.kind == kind && p.typ == typ && p.number == n && p.want == want && !p.acked {
		// Repeated without ACK: one payout until TUBE STATUS shows two.
		p.until = t + r.cfg.PayoutLimit.Microseconds()
		return
	}
	if p.kind != payNone {
		r.paid(i, t)
	}
	if !ok {
		r.cash.blind = true
	}
	*p = payout{kind: kind, typ: typ, number: n, want: want, until: t + r.cfg.PayoutLimit.Microseconds()}
	if l := &r.cash; l.lever != 0 && t <= l.lever && (l.phase == phaseCredit || l.phase == phaseVending) {
		l.returning = true
	}
	r.requiet(t)
}

// requiet restarts the quiet time: money moves.
func (r *Recovery) requiet(t int64) {
	if r.cash.phase == phaseChange {
		r.cash.quiet = t + r.cfg.Quiet.Microseconds()
	}
}

// paid closes a payout. The price follows from the change the VMC asked for; a
// shortage is owed to the customer and told apart (16.5).
func (r *Recovery) paid(i int, t int64) {
	l := &r.cash
	p := l.pay[i]
	l.pay[i] = payout{}
	d := r.device(i)
	if i == 0 {
		switch p.kind {
		case payCoins:
			d.given[p.typ] += uint8(min(p.number, 15))
			if d.tubes[p.typ] >= 0 {
				d.tubes[p.typ] = max(0, d.tubes[p.typ]-int16(p.number))
			}
		case payValue:
			for k := range d.tubes {
				d.tubes[k] = -1
			}
		}
	}
	if p.polled && p.paid < p.want {
		r.short(t, p.want-p.paid)
	}
	l.out += p.want
	l.touched = t
	l.stale = 0
	r.requiet(t)
	if l.phase != phaseWait {
		r.returned(t)
		if l.phase == phaseCredit && l.returning && l.credit() > 0 && !l.paying() {
			l.keep()
		}
		return
	}
	if p.want > 0 {
		code := l.code()
		r.incident(t, "payout_without_credit", "cash was paid out though none was taken in", nil, hundredths(p.want, code))
	}
	l.out = 0
}

func (r *Recovery) short(t, owed int64) {
	r.incident(t, "payout_short", "less change was paid out than the machine asked for", nil, hundredths(owed, r.cash.code()))
}

// cashAck handles an ACK of changer, validator or hopper.
func (r *Recovery) cashAck(d mdb.Device, b *mdb.Block) bool {
	i := cashIndex(d)
	r.cash.heard(i)
	if u := &r.unheard[i]; u.n > 0 && u.to == b.To {
		r.accept(u)
		u.n = 0
	}
	if l := &r.cash; i < 2 && l.phase == phaseWait && l.waitSince == 0 && !l.known && l.coin.on != no {
		l.waitSince = b.End
	}
	p := &r.cash.pay[i]
	if p.kind == payNone {
		return true
	}
	switch {
	case b.To == byte(d)|5 && i == 0 && p.kind == payCoins,
		b.To == byte(d)|7 && i == 0 && b.Sub == 2,
		b.To == byte(d)|7 && i == 1 && (b.Sub == 6 || b.Sub == 7),
		b.To == byte(d)|5 && i > 1:
		p.acked = true
	case p.acked && i == 0 && p.kind == payCoins && b.To == mdb.PollCommand(d):
		// Nothing more to say: the payout is over.
		r.paid(i, b.End)
	case p.acked && b.To == byte(d)|7 && (b.Sub == mdb.ChangerPayoutValuePoll && i == 0 || b.Sub == mdb.ValidatorPayoutPoll && i == 1):
		r.paid(i, b.End)
	}
	return true
}

// accept applies data of a cash device which the VMC took.
func (r *Recovery) accept(p *waiting) {
	d := mdb.DeviceOf(p.to)
	if r.cfg.Deaf || d != mdb.Changer && d != mdb.Validator && !isHopper(d) {
		return
	}
	i := cashIndex(d)
	b := p.bytes()
	switch {
	case p.to == mdb.PollCommand(d):
		last := &r.applied[i]
		again := last.n > 0 && p.t-last.t < r.cfg.CoinRepeat.Microseconds() && last.startOf(b) && len(b) == int(last.n)
		*last = *p
		if again {
			return
		}
		switch i {
		case 0:
			r.coins(b, p.t)
		case 1:
			r.bills(b, p.t)
		default:
			r.hopper(i, p)
		}
	case p.to == byte(d)|1:
		r.cashSetup(i, p)
	case p.to == byte(mdb.Changer)|2:
		r.tubes(b, p.t)
	case p.to == byte(d)|7 && i < 2:
		r.payoutAnswer(i, p.sub, b, p.t)
	}
}

func (r *Recovery) cashSetup(i int, p *waiting) {
	d := r.device(i)
	ms, err := mdb.ParseAnswer(nil, p.to, p.sub, p.bytes(), mdb.Dialect{})
	if err != nil {
		r.stats.Unreadable++
		return
	}
	for _, m := range ms {
		switch m := m.(type) {
		case mdb.ChangerSetup:
			d.money.set(uint32(m.Scale), m.Decimals, m.Currency)
			d.credits = m.Credits
		case mdb.ValidatorSetup:
			d.money.set(uint32(m.Scale), m.Decimals, m.Currency)
			d.credits = m.Credits
		case mdb.HopperSetup:
			d.money.set(uint32(m.Scale), m.Decimals, m.Currency)
			d.credits = m.Credits
		}
	}
}

// A return lever is followed by its payout within this time, µs.
const leverWindow = 5_000_000

// pulled notes that the customer wants the money back (changer 01, recycler 21).
// After a purchase the lever only gives the change.
func (r *Recovery) pulled(t int64) {
	if r.cash.phase == phaseCredit {
		r.cash.lever = t + leverWindow
	}
}

// hopper applies the events of a hopper's POLL answer. It tells once, at the
// end of a payout, what went out of each type.
func (r *Recovery) hopper(i int, w *waiting) {
	ms, err := mdb.ParseAnswer(nil, w.to, w.sub, w.bytes(), mdb.Dialect{})
	if err != nil {
		r.stats.Unreadable++
	}
	d, p := r.device(i), &r.cash.pay[i]
	told, complete, out := false, true, int64(0)
	for _, m := range ms {
		e, ok := m.(mdb.HopperEvent)
		switch {
		case ok && e.Dispensed && !e.Manual:
			v, known := d.value(e.Type)
			r.cash.blind = r.cash.blind || !known && r.cash.phase != phaseWait
			told, complete, out = true, complete && e.OK, out+v*int64(e.Number)
		case ok && !e.Dispensed && e.Type == hopperBusy && p.kind != payNone:
			p.acked, p.until = true, w.t+r.cfg.PayoutLimit.Microseconds()
			r.requiet(w.t)
		}
	}
	if !told {
		return
	}
	if p.kind == payNone {
		*p = payout{kind: payValue, want: out}
	}
	if complete {
		p.want = out
	}
	p.paid, p.polled = out, true
	r.paid(i, w.t)
}

// hopperBusy is the hopper's status byte for a payout going on.
const hopperBusy = 0x02

// coins applies the events of a changer's POLL answer.
func (r *Recovery) coins(b []byte, t int64) {
	if len(b) > 0 && b[0] >= 0x1B && b[0] <= 0x1F {
		return // file transport
	}
	d := &r.cash.coin
	for len(b) > 0 {
		e, n, err := mdb.NextChangerEvent(b)
		if err != nil {
			r.stats.Unreadable++
			return
		}
		b = b[n:]
		switch e.Kind {
		case mdb.CoinDeposited:
			if e.Route == mdb.RouteTube {
				d.tubes[e.Type] = int16(e.Left)
			}
			if e.Route == mdb.RouteTube || e.Route == mdb.RouteCashBox {
				v, ok := d.value(e.Type)
				r.credited(v, ok, t)
			}
		case mdb.CoinsDispensedManually:
			d.tubes[e.Type] = int16(e.Left)
		case mdb.CoinStatus:
			switch e.Type {
			case mdb.CoinPayoutBusy, mdb.CoinChangerBusy:
				if p := &r.cash.pay[0]; p.kind != payNone {
					p.acked = true
					p.until = t + r.cfg.PayoutLimit.Microseconds()
					r.requiet(t)
				}
			case mdb.CoinJustReset:
				d.on = no
			case mdb.CoinEscrowRequest:
				r.pulled(t)
			}
		}
	}
}

// bills applies the events of a validator's POLL answer.
func (r *Recovery) bills(b []byte, t int64) {
	if len(b) > 0 && b[0] >= 0x1B && b[0] <= 0x1F {
		return
	}
	l := &r.cash
	for _, v := range b {
		e := mdb.ReadBillEvent(v)
		switch {
		case e.Kind == mdb.Bill && (e.Route == mdb.BillStacked || e.Route == mdb.BillRecycled):
			l.escrowed = false
			v, ok := l.bill.value(e.Type)
			r.credited(v, ok, t)
		case e.Kind == mdb.Bill && e.Route == mdb.BillInEscrow:
			l.escrowed, l.escrowTo = true, t+r.cfg.EscrowLimit.Microseconds()
		case e.Kind == mdb.Bill && e.Route == mdb.BillReturned,
			e.Kind == mdb.BillStatus && (e.Type == mdb.BillRemoved || e.Type == mdb.BillJustReset):
			l.escrowed = false
			if e.Type == mdb.BillJustReset && e.Kind == mdb.BillStatus {
				l.bill.on = no
			}
		case e.Kind == mdb.RecyclerStatus && e.Type == mdb.RecyclerEscrow:
			r.pulled(t)
		case e.Kind == mdb.RecyclerStatus && (e.Type == mdb.RecyclerPayoutBusy || e.Type == mdb.RecyclerDispensing || e.Type == mdb.RecyclerBillWaiting):
			if p := &l.pay[1]; p.kind != payNone {
				p.acked = true
				p.until = t + r.cfg.PayoutLimit.Microseconds()
				r.requiet(t)
			}
		}
	}
}

// tubes compares TUBE STATUS with what was dispensed since the last one: a
// payout may have been short, or a repeated DISPENSE executed twice.
func (r *Recovery) tubes(b []byte, t int64) {
	m, err := mdb.ParseTubeStatus(b)
	if err != nil {
		r.stats.Unreadable++
		return
	}
	l := &r.cash
	d := &l.coin
	if l.pay[0].kind == payCoins {
		r.paid(0, t)
	}
	for i := range d.tubes {
		now := int16(m.Counts[i])
		was, given := d.tubes[i], int16(d.given[i])
		if given > 0 && was >= 0 && was != math.MaxUint8 && now != math.MaxUint8 && l.phase != phaseWait {
			worth, ok := d.value(uint8(i))
			switch diff := was - now; {
			case !ok:
			case diff > 0 && diff <= given:
				l.out += worth * int64(diff)
				r.requiet(t)
			case diff < 0 && -diff <= given:
				r.short(t, worth*int64(-diff))
			}
		}
		d.tubes[i], d.given[i] = now, 0
	}
	r.returned(t)
}

// payoutAnswer takes the progress of an alternative payout or a recycler.
func (r *Recovery) payoutAnswer(i int, sub uint8, b []byte, t int64) {
	p := &r.cash.pay[i]
	d := r.device(i)
	switch {
	case i == 0 && sub == mdb.ChangerPayoutValuePoll && len(b) > 0 && p.kind != payNone,
		i == 1 && sub == mdb.ValidatorPayoutPoll && len(b) > 1 && p.kind != payNone:
		raw := int64(b[0])
		if i == 1 {
			raw = raw<<8 | int64(b[1])
		}
		if v, ok := d.scaled(raw); ok {
			p.paid += v
		}
		p.acked, p.polled = true, true
		p.until = t + r.cfg.PayoutLimit.Microseconds()
		r.requiet(t)
	case i == 0 && sub == mdb.ChangerPayoutStatus, i == 1 && sub == mdb.ValidatorPayoutStatus:
		if p.kind == payNone {
			return
		}
		var v int64
		for k := range 16 {
			n := int64(0)
			if i == 0 && k < len(b) {
				n = int64(b[k])
			} else if i == 1 && 2*k+1 < len(b) {
				n = int64(b[2*k])<<8 | int64(b[2*k+1])
			}
			if n > 0 {
				if w, ok := d.value(uint8(k)); ok {
					v += n * w
				}
			}
		}
		p.paid, p.polled = v, true
		r.paid(i, t)
	}
}
