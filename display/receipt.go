package display

import (
	"image"
)

// receipt draws the QR code as large as the panel allows and beside or below it
// what was bought.
func (p *painter) receipt() error {
	k := p.inks()
	side := receiptSide(p.g)
	ks, err := candidates(p.s.QR)
	if err != nil {
		code := BadString
		if p.s.QR == "" {
			code = NoString
		}
		p.refuse(code)
		p.put(p.column(false), p.receiptParts(k), image.Rect(0, 0, p.g.Width, p.g.Height).Inset(p.margin()), true)
		return nil
	}
	best, px, ok := chooseSymbol(ks, side.wanted, p.g.pitch())
	if !ok {
		best, px, ok = chooseSymbol(ks, side.most, p.g.pitch())
	}
	p.report.Why, p.report.MayStandForReceipt = nil, true
	switch {
	case px < minModulePx:
		p.refuse(TooFewPixels)
	case !ok:
		p.refuse(TooSmall)
	}
	if px == 0 { // not even one pixel per module
		p.put(p.column(false), p.receiptParts(k), image.Rect(0, 0, p.g.Width, p.g.Height).Inset(p.margin()), true)
		return nil
	}
	whole := (best.modules() + 2*quietModules) * px
	at, text := p.divide(whole)
	s, err := drawSymbol(p.c, p.s.QR, best, px, at, p.g.pitch())
	if err != nil {
		return err
	}
	p.report.Symbol = &s
	if text.Dy() < int(4*p.unit) && !p.g.wide() {
		p.strip(k, text)
		return nil
	}
	p.put(p.column(p.g.wide()), p.receiptParts(k), text, true)
	return nil
}

func (p *painter) refuse(code string) {
	p.report.MayStandForReceipt = false
	p.report.Why = append(p.report.Why, code)
}

func (p *painter) margin() int { return max(2, p.g.short()/40) }

// divide gives the corner of the quiet zone and the box for text. The quiet
// zone serves as the margin around the symbol.
func (p *painter) divide(whole int) (at image.Point, text image.Rectangle) {
	w, h, m := p.g.Width, p.g.Height, p.margin()
	if p.g.wide() {
		at = image.Pt(min((h-whole)/2, max(0, (w*62/100-whole)/2)), (h-whole)/2)
		return at, image.Rect(at.X+whole+m, m, w-2*m, h-m)
	}
	spare := h - whole
	// A tall panel gets some air above the symbol, a square one none.
	at = image.Pt((w-whole)/2, min(spare/8, m*2))
	if spare < int(5*p.unit) {
		at.Y = 0
	}
	return at, image.Rect(m, at.Y+whole, w-m, h-m)
}

func (p *painter) testMark(k inks, w Phrase) para {
	if !p.s.Test {
		return para{}
	}
	plate := k.tint
	return para{role: "test", text: p.say(w), bold: true, ink: k.onTint, size: 1.05, plate: &plate}
}

func (p *painter) receiptParts(k inks) []para {
	return []para{
		p.testMark(k, words.test),
		{role: "title", text: p.say(words.receipt), bold: true, ink: k.strong, size: 0.95, gap: 0.5, rank: 6},
		{role: "sum", text: p.sum(), bold: true, ink: k.plain, size: 2.1, gap: 0.2},
		{role: "item", text: p.s.Item, ink: k.plain, size: 1.1, lines: 3, gap: 0.25, rank: 2, loose: true},
		{role: "receipt", text: p.s.Receipt, ink: k.muted, size: 0.8, lines: 3, gap: 0.6, rank: 3, loose: true},
		{role: "hint", text: p.say(words.receiptHint), ink: k.strong, size: 0.9, lines: 3, gap: 0.7, rank: 4},
		{role: "later", text: p.say(words.receiptLater), ink: k.muted, size: 0.7, lines: 5, gap: 0.6, rank: 8},
		{role: "seller", text: p.s.Seller, ink: k.muted, size: 0.7, lines: 2, gap: 0.5, rank: 7, loose: true},
	}
}

// strip fits the text of a receipt into a line or two below the symbol.
func (p *painter) strip(k inks, box image.Rectangle) {
	col := p.column(false)
	px := max(p.floor, min(int(1.15*p.unit), box.Dy()*10/26))
	second := box.Dy() >= 2*(px*125/100) && (p.s.Receipt != "" || p.s.Item != "")
	if !second {
		px = max(min(p.floor, box.Dy()*10/13), min(int(1.3*p.unit), box.Dy()*10/13))
	}
	bold, plain := col.face(true, px), col.face(false, px)
	high := bold.ascent() + bold.descent()
	gap := px / 2

	type piece struct {
		role, text string
		f          face
		ink        ink
		plate      bool
		cut        bool
	}
	var line []piece
	room := box.Dx()
	take := func(q piece) bool {
		need := q.f.width(q.text)
		if q.plate {
			need += gap
		}
		if len(line) > 0 {
			need += gap
		}
		if q.text == "" || need > room {
			return false
		}
		room -= need
		line = append(line, q)
		return true
	}
	if p.s.Test {
		long := piece{role: "test", text: p.say(words.test), f: bold, ink: k.onTint, plate: true}
		short := long
		short.text = p.say(words.testShort)
		if long.f.width(long.text)+2*gap+bold.width(p.sum()) > room || !take(long) {
			take(short)
		}
	}
	take(piece{role: "sum", text: p.sum(), f: bold, ink: k.plain})
	if p.s.Item != "" && room > 4*px {
		q := piece{role: "item", text: p.s.Item, f: plain, ink: k.plain}
		if plain.width(q.text)+gap > room {
			q.text, q.cut = shorten(plain, q.text, room-gap), true
		}
		take(q)
	}
	lineTop := box.Min.Y + (box.Dy()-high)/2
	if second {
		small := col.face(false, max(p.floor, px*80/100))
		foot := p.s.Receipt
		if foot == "" {
			foot = p.say(words.receiptHint)
		}
		cut := small.width(foot) > box.Dx()
		if cut {
			foot = shorten(small, foot, box.Dx())
		}
		sh := small.ascent() + small.descent()
		lineTop = box.Min.Y + (box.Dy()-high-sh)/2
		w := small.width(foot)
		x, y := box.Min.X+(box.Dx()-w)/2, lineTop+high
		small.draw(p.c, x, y+small.ascent(), foot, k.muted)
		p.report.Texts = append(p.report.Texts, Text{Role: "receipt", Text: foot, Px: px * 80 / 100, Cut: cut, Box: image.Rect(x, y, x+w, y+sh)})
	}
	x := box.Min.X + room/2
	for _, q := range line {
		w := q.f.width(q.text)
		if q.plate {
			p.c.roundRect(image.Rect(x, lineTop, x+w+gap, lineTop+high), px/4, k.tint)
			x += gap / 2
		}
		q.f.draw(p.c, x, lineTop+q.f.ascent(), q.text, q.ink)
		p.report.Texts = append(p.report.Texts, Text{Role: q.role, Text: q.text, Px: px, Cut: q.cut, Box: image.Rect(x, lineTop, x+w, lineTop+high)})
		x += w + gap
		if q.plate {
			x += gap - gap/2
		}
	}
}
