package display

import (
	"image"
	"strings"
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
	return para{role: "test", text: p.say(w), bold: true, ink: k.onTint, size: 1.05, plate: &plate, solo: true}
}

// facts is the receipt's short text, made to break at its dots.
func (p *painter) facts() string { return joinParts(strings.Split(p.s.Receipt, " · ")...) }

func (p *painter) receiptParts(k inks) []para {
	title, later := p.say(words.receipt), p.say(words.receiptLater)
	if p.s.Test { // nothing may call it a receipt
		title, later = "", ""
	}
	return []para{
		p.testMark(k, words.test),
		{role: "title", text: title, bold: true, ink: k.strong, size: 0.95, gap: 0.5, rank: 6},
		{role: "sum", text: p.sum(), bold: true, ink: k.plain, size: 2.1, gap: 0.2, solo: true},
		{role: "item", text: p.s.Item, ink: k.plain, size: 1.1, most: 4, gap: 0.25, rank: 2, loose: true},
		{role: "receipt", text: p.facts(), ink: k.muted, size: 0.8, most: 3, gap: 0.6, rank: 3, loose: true},
		{role: "hint", text: p.say(words.receiptHint), ink: k.strong, size: 0.9, most: 3, gap: 0.7, rank: 4},
		{role: "later", text: later, ink: k.muted, size: 0.7, most: 5, gap: 0.6, rank: 8},
		{role: "seller", text: p.s.Seller, ink: k.muted, size: 0.7, most: 2, gap: 0.5, rank: 7, loose: true},
	}
}
