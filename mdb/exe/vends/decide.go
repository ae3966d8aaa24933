package vends

import "github.com/chekomat/chekomat/mdb/exe"

// vended takes an answer to VEND. Under AnyVendReplyOK it may be damaged.
func (l *Listener) vended(p *exe.Pair) {
	var f Flags
	delivered := true
	if p.Fault == exe.ParitySlave {
		f |= Parity
	}
	switch exe.ResultOf(p.Answer) {
	case exe.Delivered:
	case exe.Odd:
		f |= OddVendReply
		delivered = l.cfg.Odd != OddFailed || l.cfg.AnyVendReplyOK
	case exe.Failed, exe.Refused:
		delivered = l.cfg.AnyVendReplyOK
		if delivered {
			f |= OddVendReply
		}
	}
	if !delivered {
		l.decide(Fail, p.At, f, *p)
		return
	}
	if !l.selection && l.soldAt >= 0 && p.T-l.soldAt <= l.cfg.Repeat.Microseconds() {
		l.vend = notVending
		l.ready(p.At)
		l.anomaly(p.At, "duplicate_vend")
		return
	}
	if l.free {
		l.decide(Free, p.At, f|FreeVendStatus, *p)
	} else {
		l.decide(Sale, p.At, f, *p)
	}
	l.soldAt = p.At
}

// vendFault takes a void pair of a VEND.
func (l *Listener) vendFault(p *exe.Pair) {
	switch p.Fault {
	case exe.NotHeard:
		l.vend = refused
		l.heard(p.At)
	case exe.ParitySlave:
		l.decide(Unknown, p.At, Parity, *p)
	case exe.NoReply:
		// The next byte is here: a repetition goes on with the same vend.
		next, _ := l.pairs.Open()
		if c, ok := next.Command(); ok && c == exe.Vend && exe.DeviceOf(next.Master) == exe.VMC {
			return
		}
		l.decide(Unknown, p.At, NoReply, exe.Pair{})
	default: // no other fault can end a VEND to the VMC
	}
}

// ready is the state after an outcome: the machine has answered or is polled on.
func (l *Listener) ready(t int64) {
	l.state = Ready
	l.heard(t)
}

// decide makes an outcome and clears the selection (exe 7.5).
func (l *Listener) decide(k Kind, t int64, f Flags, p exe.Pair) {
	l.closeWatch(t)
	l.suspect = false
	l.n++
	o := Outcome{
		N: l.n, Kind: k, T: t, VendT: l.vendT, Line: l.line, LineKnown: l.selection, Price: None, Listed: None, Source: NoPrice,
		Flags: f, Doubts: l.doubts, Scale: l.scale, Decimals: l.decimals, Answer: p.Answer, Answered: p.T == l.vendT && p.At != 0, Before: l.before, Mid: l.mid,
	}
	if l.cfg.IgnoreParity {
		o.Doubts |= ParityUnheard
	}
	switch {
	case !l.selection:
		o.Flags |= NoSelection
	case l.stale:
		o.Flags |= StaleSelection
	}
	if l.selection {
		o.Listed = l.priceNow()
	}
	if k == Free {
		o.Price = 0
	} else if k != Fail && l.selection {
		l.price(&o)
	}
	switch o.Kind {
	case Sale:
		o.Hint = hint(o.Before, o.Price)
	case Unknown:
		o.Evidence = NoEvidence
	case Free, Fail:
	}
	if k != Fail {
		l.credit = None
		if o.Price != None && o.Before != None && o.Mid == o.Before-o.Price {
			l.credit = o.Mid
		}
	}
	l.vend = notVending
	l.dropSelection()
	l.soldAt = -1
	l.ready(t)
	l.note(Note{Kind: Decided, T: t, Outcome: o})
	l.watchFor(o)
}

// watchFor says what later blocks may tell of an outcome.
func (l *Listener) watchFor(o Outcome) {
	switch {
	case o.Kind == Unknown:
		l.watch = forEvidence
	case o.Kind == Sale && o.Flags&LineNotInTable != 0 && o.Before != None && o.Mid != None:
		l.watch = forPrice
	default:
		l.watch = notWatching
		return
	}
	l.watched = o
}

// price fills in price and what speaks against it (exe 7.6).
func (l *Listener) price(o *Outcome) {
	o.Price = o.Listed
	if l.cfg.Mode == Standard {
		if o.Price != None {
			o.Source, o.Units = FromBus, l.line
		}
	} else {
		if o.Price == None {
			o.Flags |= LineNotInTable
			return
		}
		o.Source = FromTable
		if o.Before != None && o.Mid != None && o.Mid != o.Price && o.Mid != o.Before-o.Price && o.Mid != o.Before {
			o.Flags |= PriceMismatch
		}
	}
	if o.Price == 0 && o.Kind == Sale {
		o.Kind = Free
		o.Flags |= ZeroPrice
	}
}

// hint of the kind of payment (exe 7.7).
func hint(before, price int64) Hint {
	switch {
	case price == None || before == None:
		return HintUnknown
	case before >= price:
		return HintCash
	case before == 0 && price > 0:
		return HintCashless
	}
	return HintUnknown
}
