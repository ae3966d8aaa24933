package display

import "image"

// A piece is a short text within a line of a strip.
type piece struct {
	role, text string
	bold       bool
	ink        ink
	plate      *ink
	loose      bool // may be shortened
}

// A strip is a few lines of pieces under the symbol, where a column of
// paragraphs has no room.
type strip [][]piece

// set is a strip at a size, ready to be drawn.
type set struct {
	strip strip
	px    []int
	cut   bool
}

// stripes lists what may be written under the symbol, best first. That a
// receipt of a test FN is none outranks the name of the goods.
func (p *painter) stripes(k inks) []strip {
	sum := piece{role: "sum", text: p.sum(), bold: true, ink: k.plain}
	item := piece{role: "item", text: p.s.Item, ink: k.plain}
	cutItem := item
	cutItem.loose = true
	facts := piece{role: "receipt", text: p.facts(), ink: k.muted}
	plate := k.tint
	mark := func(w Phrase) piece {
		if !p.s.Test {
			return piece{}
		}
		return piece{role: "test", text: p.say(w), bold: true, ink: k.onTint, plate: &plate}
	}
	long, short := mark(words.test), mark(words.testShort)
	return []strip{
		{{long, sum, item}, {facts}},
		{{long, sum, item}},
		{{long, sum}, {item}},
		{{long, sum, cutItem}},
		{{long, sum}},
		{{short, sum}},
	}
}

// strip writes the best strip that fits the box at a readable size.
func (p *painter) strip(k inks, box image.Rectangle) {
	col := p.column(false)
	top := max(p.floor, int(1.3*p.unit))
	low := max(p.floor, int(0.75*p.unit))
	all := p.stripes(k)
	for i, s := range all {
		bottom := low
		if i == len(all)-1 {
			bottom = 6
		}
		from := top
		if i == 3 { // a name is cut only when small letters do not help
			from = low
		}
		for px := from; px >= bottom; px-- {
			if done, ok := s.fit(col, box, px, p.floor); ok {
				p.drawStrip(col, done, box)
				return
			}
		}
	}
}

// fit tries a size for the first line; the second is a little smaller.
func (s strip) fit(col column, box image.Rectangle, px, floor int) (set, bool) {
	out := set{}
	high := 0
	for i, line := range s {
		size := px
		if i > 0 {
			size = max(min(px, floor), px*85/100)
		}
		var kept []piece
		room := box.Dx()
		for _, q := range line {
			if q.text == "" {
				continue
			}
			f := col.face(q.bold, size)
			need := f.width(q.text)
			if q.plate != nil {
				need += size / 2
			}
			if len(kept) > 0 {
				need += size / 2
			}
			if need > room && q.loose {
				if room < 5*size {
					return out, false
				}
				q.text = shorten(f, q.text, room-size/2)
				out.cut = true
				need = f.width(q.text) + size/2
			}
			if need > room {
				return out, false
			}
			room -= need
			kept = append(kept, q)
		}
		if len(kept) == 0 {
			continue
		}
		f := col.face(true, size)
		high += f.ascent() + f.descent()
		out.strip = append(out.strip, kept)
		out.px = append(out.px, size)
	}
	return out, high <= box.Dy()
}

func (p *painter) drawStrip(col column, s set, box image.Rectangle) {
	high := 0
	for _, px := range s.px {
		f := col.face(true, px)
		high += f.ascent() + f.descent()
	}
	air := (box.Dy() - high) / (len(s.px) + 1)
	y := box.Min.Y
	for i, line := range s.strip {
		y += air
		px := s.px[i]
		gap := px / 2
		wide := gap * (len(line) - 1)
		for _, q := range line {
			wide += col.face(q.bold, px).width(q.text)
			if q.plate != nil {
				wide += gap
			}
		}
		x := box.Min.X + (box.Dx()-wide)/2
		bold := col.face(true, px)
		bottom := y + bold.ascent() + bold.descent()
		for _, q := range line {
			f := col.face(q.bold, px)
			w := f.width(q.text)
			if q.plate != nil {
				p.c.roundRect(image.Rect(x, y, x+w+gap, bottom), px/4, *q.plate)
				x += gap / 2
			}
			f.draw(p.c, x, y+bold.ascent(), q.text, q.ink)
			p.report.Texts = append(p.report.Texts, Text{
				Role: q.role, Text: q.text, Px: px, Cut: s.cut && q.loose, Box: image.Rect(x, y, x+w, bottom),
			})
			x += w + gap
			if q.plate != nil {
				x += gap - gap/2
			}
		}
		y = bottom
	}
}
