package display

import (
	"image"
	"unicode"
	"unicode/utf8"
)

// status draws a panel too small for a receipt: what the machine is doing, and
// that this screen does not stand for a receipt.
func (p *painter) status() {
	k := p.inks()
	w, h := p.g.Width, p.g.Height
	col := p.column(false)
	col.unit = float64(h) / 8
	col.floor = max(7, min(w, h)/11)
	if p.g.OneBit {
		col.floor = 8
	}

	head := p.s.Machine
	if head == "" {
		head = p.say(words.briefMachine)
	} else if full := p.named(); col.face(false, col.floor).width(full) <= w-4 {
		head = full
	}
	rows, high := col.fit([]para{{role: "machine", text: head, ink: k.onTint, size: 1, solo: true, loose: true}}, image.Rect(0, 0, w-4, h/3))
	band := image.Rect(0, 0, w, high)
	p.c.rect(band, k.tint)
	p.report.Texts = append(p.report.Texts, col.place(p.c, rows, image.Rect(2, 0, w-2, high))...)

	notice := []para{{role: "notice", text: p.say(words.notForReceipt), ink: k.muted, size: 1, solo: true, loose: true}}
	foot, low := col.fit(notice, image.Rect(0, 0, w-2, h/3))
	footTop := h - low
	for x := 0; x < w; x += 3 {
		p.c.rect(image.Rect(x, footTop-1, x+1, footTop), k.line)
	}
	p.report.Texts = append(p.report.Texts, col.place(p.c, foot, image.Rect(1, footTop, w-1, h))...)

	p.put(col, p.statusParts(k), image.Rect(1+w/40, high+1, w-1-w/40, footTop-2), true)
}

func (p *painter) statusParts(k inks) []para {
	big := func(w Phrase) para {
		text := p.say(w)
		if r, n := utf8.DecodeRuneInString(text); !p.g.OneBit {
			text = string(unicode.ToUpper(r)) + text[n:]
		}
		most := 2
		if p.g.OneBit { // dots double or not at all: rather one small line than two tall ones
			most = 1
		}
		return para{role: "title", text: text, bold: true, ink: k.plain, size: 2, most: most, solo: true}
	}
	small := func(role, text string) para {
		return para{role: role, text: text, ink: k.plain, size: 1, most: 3, gap: 0.25, rank: 3, loose: true}
	}
	sum := para{role: "sum", text: p.sum(), bold: true, ink: k.strong, size: 2, gap: 0.25, rank: 1, solo: true}
	reason := ReasonFor(p.s.Reason).Brief.In(p.s.Lang)
	switch p.s.State {
	case Vending:
		return []para{big(words.briefVending), sum}
	case Forming:
		return []para{big(words.briefForming), sum}
	case ReceiptReady:
		made := words.briefPaid
		if p.s.Test {
			made = words.test
		}
		return []para{big(made), sum, small("receipt", p.facts())}
	case Delayed:
		return []para{big(words.briefDelayed), small("reason", reason)}
	case OutOfService:
		return []para{big(words.briefOut), small("reason", reason)}
	default:
		return []para{big(words.ready), small("seller", p.s.Seller)}
	}
}
