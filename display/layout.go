package display

import (
	"image"
	"math"
)

// Text is a line as drawn.
type Text struct {
	Role string          // "sum", "item", "reason"…
	Text string          // the line
	Box  image.Rectangle // from ascent to descent
	Px   int             // font size
	Cut  bool            // part of the role's text was left out
}

// A para is a piece of a column: a wrapped text, a picture or a rule.
type para struct {
	role  string
	text  string
	bold  bool
	ink   ink
	size  float64 // font size in units of the column
	floor int     // smallest font size, pixels; 0: the theme's
	most  int     // lines at most; 0: one
	gap   float64 // space above, units
	rank  int     // 0 stays; the highest rank is left out first when space is short
	plate *ink    // a filled round box behind the text
	pic   func(*canvas, image.Rectangle)
	solo  bool // shrinks alone to stand on its lines, whatever its neighbours do
	loose bool // may be shortened before anything is left out for it
}

// A row is a para after measuring.
type row struct {
	para
	f    face
	px   int
	top  int
	h    int
	pad  int
	wide []int // width of each line
	wrapped
}

// set breaks the row's text at its size.
func (r *row) set(k column, width int, breaker func(face, string, int, int) wrapped) {
	r.f = k.face(r.bold, r.px)
	if r.plate != nil {
		r.pad = max(1, r.px/5)
	}
	r.wrapped = breaker(r.f, r.text, width-4*r.pad, max(1, r.most))
	r.wide = r.wide[:0]
	for _, l := range r.lines {
		r.wide = append(r.wide, r.f.width(l))
	}
}

// shrinkTo is how far a column's text may shrink before optional paragraphs
// are left out instead.
const shrinkTo = 0.68

// column lays paragraphs out in a box.
type column struct {
	faces *typefaces
	unit  float64 // pixels
	floor int     // smallest font size, pixels
	left  bool    // left-aligned instead of centred
	small func(bold bool, size int) face
}

func (k column) face(bold bool, px int) face {
	if k.small != nil {
		return k.small(bold, px)
	}
	return k.faces.face(bold, px)
}

// measure sets the rows for one scale.
func (k column) measure(ps []para, width int, scale float64, shorten bool) (rows []row, height int, cut bool) {
	y := 0
	for _, p := range ps {
		r := row{para: p}
		if len(rows) > 0 {
			y += int(math.Round(p.gap * k.unit * scale))
		}
		r.top = y
		if p.pic != nil {
			r.h = int(math.Round(p.size * k.unit * scale))
		} else {
			r.px = max(k.floor, p.floor, int(math.Round(p.size*k.unit*scale)))
			r.set(k, width, wrap)
			for p.solo && (r.cut || r.broken) && r.px > max(k.floor, p.floor) {
				r.px--
				r.set(k, width, wrap)
			}
			if n := len(r.lines); n > 0 {
				r.h = (n-1)*k.pitch(r) + r.f.ascent() + r.f.descent() + 2*r.pad
			}
			if (r.cut || r.broken) && !(p.loose && shorten) {
				cut = true
			}
		}
		y += r.h
		rows = append(rows, r)
	}
	return rows, y, cut
}

// pitch is the distance of baselines within a paragraph.
func (k column) pitch(r row) int {
	return max(r.f.ascent()+r.f.descent(), r.px*118/100)
}

// fit finds the largest scale at which everything stands; failing that it
// leaves out the most optional paragraph and tries again; at last it shortens.
func (k column) fit(ps []para, box image.Rectangle) ([]row, int) {
	kept := make([]para, 0, len(ps))
	for _, p := range ps {
		if p.text != "" || p.pic != nil {
			kept = append(kept, p)
		}
	}
	for len(kept) > 0 {
		worst := 0
		for i, p := range kept {
			if p.rank >= kept[worst].rank {
				worst = i
			}
		}
		last := kept[worst].rank == 0
		bottom := shrinkTo
		if last {
			bottom = 0.3
		}
		var rows []row
		for _, shorten := range []bool{false, true} {
			for s := 1.0; s >= bottom; s *= 0.95 {
				var h int
				var cut bool
				rows, h, cut = k.measure(kept, box.Dx(), s, shorten)
				if h <= box.Dy() && !cut {
					for i := range rows {
						if rows[i].pic == nil {
							rows[i].set(k, box.Dx(), balance)
						}
					}
					return rows, h
				}
			}
		}
		if last {
			return k.crop(rows, box)
		}
		kept = append(kept[:worst], kept[worst+1:]...)
	}
	return nil, 0
}

// crop drops rows that stand below the box.
func (k column) crop(rows []row, box image.Rectangle) ([]row, int) {
	for len(rows) > 0 {
		r := &rows[len(rows)-1]
		for r.top+r.h > box.Dy() && len(r.lines) > 1 {
			r.lines, r.wide = r.lines[:len(r.lines)-1], r.wide[:len(r.wide)-1]
			r.h -= k.pitch(*r)
			r.cut = true
		}
		if r.top+r.h <= box.Dy() {
			return rows, r.top + r.h
		}
		rows = rows[:len(rows)-1]
	}
	return nil, 0
}

// place draws rows from the top of the box and returns the lines drawn.
func (k column) place(c *canvas, rows []row, box image.Rectangle) []Text {
	var texts []Text
	for _, r := range rows {
		y := box.Min.Y + r.top
		if r.pic != nil {
			w := min(r.h, box.Dx())
			x := box.Min.X + (box.Dx()-w)/2
			if k.left {
				x = box.Min.X
			}
			r.pic(c, image.Rect(x, y, x+w, y+w))
			continue
		}
		if r.plate != nil {
			w := r.pad * 4
			for _, lw := range r.wide {
				w = max(w, lw+4*r.pad)
			}
			x := box.Min.X
			if !k.left {
				x += (box.Dx() - w) / 2
			}
			c.roundRect(image.Rect(x, y, x+w, y+r.h), r.px/3, *r.plate)
		}
		for i, l := range r.lines {
			x := box.Min.X + 2*r.pad
			if !k.left {
				x = box.Min.X + (box.Dx()-r.wide[i])/2
			}
			top := y + r.pad + i*k.pitch(r)
			r.f.draw(c, x, top+r.f.ascent(), l, r.ink)
			texts = append(texts, Text{
				Role: r.role, Text: l, Px: r.px, Cut: r.cut,
				Box: image.Rect(x, top, x+r.wide[i], top+r.f.ascent()+r.f.descent()),
			})
		}
	}
	return texts
}
