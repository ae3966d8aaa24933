package display

import "image"

// status draws a panel too small for a receipt: what the machine is doing, and
// that this screen does not stand for a receipt.
func (p *painter) status() {
	k := p.inks()
	w, h := p.g.Width, p.g.Height
	col := p.column(false)
	col.unit = float64(h) / 8
	col.floor = max(7, h/10)
	if p.g.OneBit {
		col.floor = 8
	}

	head := p.s.Machine
	if head == "" {
		head = p.say(words.briefStandTitle)
	} else if full := p.named(); col.face(false, col.floor).width(full) <= w-4 {
		head = full
	}
	rows, high := col.fit([]para{{role: "machine", text: head, ink: k.onTint, size: 1, loose: true}}, image.Rect(0, 0, w-4, h/3))
	band := image.Rect(0, 0, w, high)
	p.c.rect(band, k.tint)
	p.report.Texts = append(p.report.Texts, col.place(p.c, rows, image.Rect(2, 0, w-2, high))...)

	notice := []para{{role: "notice", text: p.say(words.notForReceipt), ink: k.plain, size: 1, loose: true}}
	foot, low := col.fit(notice, image.Rect(0, 0, w-2, h/3))
	footTop := h - low
	for x := 0; x < w; x += 3 {
		p.c.rect(image.Rect(x, footTop-1, x+1, footTop), k.line)
	}
	p.report.Texts = append(p.report.Texts, col.place(p.c, foot, image.Rect(1, footTop, w-1, h))...)

	p.put(col, p.statusParts(k), image.Rect(1, high+1, w-1, footTop-2), true)
}

func (p *painter) statusParts(k inks) []para {
	big := func(w Phrase) para {
		return para{role: "title", text: p.say(w), bold: true, ink: k.plain, size: 2, lines: 2}
	}
	small := func(role, text string) para {
		return para{role: role, text: text, ink: k.plain, size: 1, lines: 2, gap: 0.25, rank: 3, loose: true}
	}
	reason := ReasonFor(p.s.Reason).Brief.In(p.s.Lang)
	switch p.s.State {
	case Vending:
		return []para{big(words.briefVending), small("sum", p.sum())}
	case Forming:
		return []para{big(words.briefForming), small("sum", p.sum())}
	case ReceiptReady:
		made := words.briefPaid
		if p.s.Test {
			made = words.test
		}
		return []para{big(made), small("sum", p.sum()), small("receipt", p.s.Receipt)}
	case Delayed:
		return []para{big(words.briefDelayed), small("reason", reason)}
	case OutOfService:
		return []para{big(words.briefOut), small("reason", reason)}
	default:
		return []para{big(words.ready), small("seller", p.s.Seller)}
	}
}
