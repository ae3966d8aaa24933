package display

import (
	"fmt"
	"image"
)

// Render draws a screen for a panel. The picture depends on nothing but its
// arguments. An error means a geometry no panel has; a screen that a panel
// cannot show lawfully is drawn as well as can be and refused in the Report.
func Render(s Screen, g Geometry) (image.Image, Report, error) {
	if err := g.check(); err != nil {
		return nil, Report{}, err
	}
	t := fonts()
	t.mu.Lock()
	defer t.mu.Unlock()

	p := newPainter(t, s, g)
	switch {
	case g.short() < minShortSide:
		p.status()
	case s.State == ReceiptReady:
		if err := p.receipt(); err != nil {
			return nil, Report{}, fmt.Errorf("drawing a receipt for a panel of %d × %d: %w", g.Width, g.Height, err)
		}
	default:
		p.message()
	}
	return p.c.img, p.report, nil
}

// A painter draws one screen.
type painter struct {
	t      *typefaces
	s      Screen // texts made legible
	g      Geometry
	c      *canvas
	report Report
	look   theme
	unit   float64
	floor  int
}

func newPainter(t *typefaces, s Screen, g Geometry) *painter {
	for _, field := range []*string{&s.Machine, &s.Item, &s.Receipt, &s.Seller} {
		*field = t.legible(*field)
	}
	look := themeOf(s.State, g)
	return &painter{
		t: t, s: s, g: g, look: look,
		c:      newCanvas(g.Width, g.Height, g.OneBit, look.ground),
		report: assess(g),
		unit:   float64(g.short()) / 15,
		floor:  max(10, g.short()/40),
	}
}

func (p *painter) column(left bool) column {
	k := column{faces: p.t, unit: p.unit, floor: p.floor, left: left}
	if p.g.OneBit {
		k.small = p.t.oneBitFace
	}
	return k
}

func (p *painter) say(w Phrase) string { return w.In(p.s.Lang) }

func (p *painter) sum() string {
	if p.s.Amount == 0 {
		return ""
	}
	return money(p.s.Amount, p.s.Lang)
}

// named is the number on the housing with the word before it.
func (p *painter) named() string {
	if p.s.Machine == "" {
		return ""
	}
	return p.say(words.machine) + " №" + string(nbsp) + p.s.Machine
}

// put lays paragraphs out and draws them, centred down the box when middle.
func (p *painter) put(k column, ps []para, box image.Rectangle, middle bool) {
	rows, h := k.fit(ps, box)
	if middle {
		box.Min.Y += (box.Dy() - h) / 2
	}
	p.report.Texts = append(p.report.Texts, k.place(p.c, rows, box)...)
}

// inks are a theme's colours on this canvas.
type inks struct{ ground, plain, muted, strong, sign, tint, onTint, line ink }

func (p *painter) inks() inks {
	return inks{
		ground: p.c.ink(p.look.ground), plain: p.c.ink(p.look.plain), muted: p.c.ink(p.look.muted),
		strong: p.c.ink(p.look.strong), sign: p.c.ink(p.look.sign), tint: p.c.ink(p.look.tint), onTint: p.c.ink(p.look.onTint), line: p.c.ink(p.look.line),
	}
}
