package vends

import "github.com/chekomat/chekomat/mdb/exe"

// pair takes what the Pairer made.
func (l *Listener) pair(p *exe.Pair) {
	if p.Fault != exe.Good {
		l.faulty(p)
		return
	}
	l.stats.Pairs++
	l.crossed = 0
	if l.vend == asked {
		l.vended(p)
		return
	}
	l.heard(p.At)
	d, shown, mine, anomaly := l.blocks.Push(p.Master)
	if anomaly != "" {
		l.doubts |= BlockDoubt
		l.anomaly(p.At, anomaly)
	}
	if shown {
		l.show(d, p.At)
	}
	if mine {
		return
	}
	switch c, _ := p.Command(); c {
	case exe.Status:
		l.status(p)
	case exe.Credit:
		l.request(p)
	case exe.Audit, exe.SendAuditAddress, exe.SendAuditData, exe.Identify, exe.NegativeAck:
	default:
		l.anomaly(p.At, "unknown_command")
	}
}

// faulty takes a void pair: it says nothing, but what it may have said is
// missing.
func (l *Listener) faulty(p *exe.Pair) {
	c, command := p.Command()
	vend := l.vend == asked && command && c == exe.Vend
	if p.Fault == exe.ParityMaster || p.Fault == exe.ParitySlave {
		l.stats.Parity++
	}
	if vend && p.Fault != exe.NoReply && l.cfg.AnyVendReplyOK {
		if p.Fault == exe.ParitySlave {
			l.anomaly(p.At, string(p.Fault))
		}
		l.vended(p)
		return
	}
	l.anomaly(p.At, string(p.Fault))
	l.wiring(p)
	if vend {
		l.vendFault(p)
		return
	}
	switch p.Fault {
	case exe.OtherDevice, exe.NotHeard:
		return // whole and of no consequence: the VMC did not act
	case exe.Orphan:
		// The master's byte was missed; a VEND that waits for its repetition may have got it.
		if l.vend == refused {
			l.decide(Unknown, p.At, PNAKed|LostWords, exe.Pair{})
		}
		l.doubts |= LineDoubt | StateDoubt | BlockDoubt
		return
	case exe.Good, exe.NoReply, exe.ParityMaster, exe.ParitySlave:
	}
	switch {
	case p.Damaged:
		l.doubts |= LineDoubt | StateDoubt | BlockDoubt
		l.suspected(p)
	case !command || c == exe.AcceptData || c == exe.DataSync:
		l.doubts |= BlockDoubt
	case c == exe.Credit:
		l.doubts |= LineDoubt
	case c == exe.Status:
		l.doubts |= StateDoubt
	}
}

// crossedAfter polls on the machine's line, 5 s of them, say that a person has
// crossed the lines.
const crossedAfter = 50

// wiring looks for the master's polls on the machine's line.
func (l *Listener) wiring(p *exe.Pair) {
	poll := p.Answer == exe.Status.Byte() || p.Answer == exe.Credit.Byte()
	if !poll || p.Fault != exe.Orphan && p.Fault != exe.OtherDevice || l.crossed >= crossedAfter {
		return
	}
	if l.crossed++; l.crossed == crossedAfter {
		l.note(Note{Kind: Crossed, T: p.At})
	}
}

// suspected looks whether a damaged byte may have been a VEND that the VMC
// heard well: one bit away from VEND and answered as a delivery (exe 8.11).
func (l *Listener) suspected(p *exe.Pair) {
	if l.state != Chosen {
		return
	}
	l.stats.Suspects++
	if p.Fault == exe.ParityMaster && !l.blocks.Open() && exe.ResultOf(p.Answer) == exe.Delivered && near(p.Master, exe.Vend.Byte()) {
		l.suspect = true
	}
}

// near reports whether a byte whose parity was wrong is one flipped bit, the
// parity bit included, away from b.
func near(heard, b byte) bool {
	x := heard ^ b
	return x&(x-1) == 0
}

// status takes an answer to STATUS.
func (l *Listener) status(p *exe.Pair) {
	s := exe.ParseState(p.Answer)
	l.free = s.FreeVend && !s.Inhibited
	l.doubts &^= StateDoubt | StateUnheard
	if l.state == Chosen {
		return
	}
	l.state = Ready
	if s.Inhibited {
		l.state = Inhibited
	}
	l.heard(p.At)
}

// request takes an answer to CREDIT.
func (l *Listener) request(p *exe.Pair) {
	switch exe.RequestOf(p.Answer) {
	case exe.Wanted:
		if l.state == Chosen && l.selection && !l.stale && l.line == p.Answer {
			l.doubts &^= LineDoubt
			return
		}
		l.missed(p.At)
		l.choose(p.Answer)
		l.doubts &^= LineDoubt
		l.heard(p.At)
		l.note(Note{Kind: Selected, T: p.At, Line: p.Answer, LineKnown: true})
	case exe.NothingWanted:
		if !l.selection {
			l.doubts &^= LineDoubt
		}
		if l.state == Down {
			l.state = Ready
			l.heard(p.At)
		}
		if l.state == Chosen && !l.stale {
			l.missed(p.At)
			l.stale = true
			if l.shown >= 2 {
				l.credit = l.last
			}
			l.mid = None
		}
	default:
		l.anomaly(p.At, "bad_credit_reply")
	}
}

// choose makes a new selection (exe 7.4).
func (l *Listener) choose(line uint8) {
	l.closeWatch(l.now)
	l.line, l.selection, l.stale = line, true, false
	l.before, l.mid, l.last, l.shown = l.credit, None, None, 0
	l.soldAt = -1
	l.state = Chosen
}

func (l *Listener) dropSelection() {
	l.missed(l.now)
	l.line, l.selection, l.stale, l.shown = 0, false, false, 0
	l.before, l.mid, l.last = None, None, None
}

// missed tells that a selection ended after a damaged byte that may have been
// its VEND.
func (l *Listener) missed(t int64) {
	if l.suspect && l.selection {
		l.note(Note{Kind: Missed, T: t, Line: l.line, LineKnown: true, Value: l.priceNow()})
	}
	l.suspect = false
}

func (l *Listener) priceNow() int64 {
	if l.cfg.Mode == Standard {
		if v, ok := exe.Value(int64(l.line), l.scale, l.decimals); ok {
			return v
		}
		return None
	}
	return l.prices[l.line]
}

// show takes a good block.
func (l *Listener) show(d exe.Display, t int64) {
	v, err := d.Minor()
	if err != nil {
		return
	}
	l.stats.Blocks++
	l.scale, l.decimals = d.Scale, d.Decimals
	l.doubts &^= BlockDoubt | ScaleAssumed
	l.note(Note{Kind: Shown, T: t, Display: d, Value: v})
	if l.selection && !l.stale {
		l.mid, l.last = v, v
		l.shown = min(l.shown+1, 2)
		return
	}
	l.credit = v
	l.explain(v, t)
}

// explain takes the first block after an outcome (exe 7.6, 7.8).
func (l *Listener) explain(v, t int64) {
	o := &l.watched
	kind := l.watch
	l.watch = notWatching
	switch kind {
	case forEvidence:
		switch {
		case o.Before > 0 && v == o.Before:
			o.Evidence = CreditRestored
		case o.Before > 0 && o.Price > 0 && v == o.Before-o.Price && v > 0:
			o.Evidence = PriceDeducted
		}
	case forPrice:
		switch {
		case v <= 0:
		case v == o.Before-o.Mid && o.Mid > 0:
			o.Price, o.Source = o.Mid, Inferred
		case v == o.Mid && v < o.Before:
			o.Price, o.Source = o.Before-o.Mid, Inferred
		}
		if o.Price != None {
			o.Hint = hint(o.Before, o.Price)
		}
	default:
		return
	}
	if o.Evidence == NoEvidence || kind == forPrice && o.Price == None {
		l.note(Note{Kind: Closed, T: t})
		return
	}
	l.note(Note{Kind: Amended, T: t, Outcome: *o})
}

// closeWatch tells that nothing will be learnt of the last outcome any more.
func (l *Listener) closeWatch(t int64) {
	if l.watch != notWatching {
		l.watch = notWatching
		l.note(Note{Kind: Closed, T: t})
	}
}
