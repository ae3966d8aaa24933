package display

import (
	"fmt"
	"image"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// A face is a typeface at one size.
type face interface {
	ascent() int  // pixels from the top of a line to its baseline
	descent() int // pixels below the baseline
	width(string) int
	draw(c *canvas, x, baseline int, s string, k ink)
}

// fonts are the Go fonts: free, with the whole Russian alphabet. They have no
// rouble sign, which goFace draws itself.
var fonts = sync.OnceValue(func() *typefaces {
	regular, err := opentype.Parse(goregular.TTF)
	if err != nil {
		panic(fmt.Sprintf("display: the built-in regular font: %v", err))
	}
	bold, err := opentype.Parse(gobold.TTF)
	if err != nil {
		panic(fmt.Sprintf("display: the built-in bold font: %v", err))
	}
	return &typefaces{regular: regular, bold: bold, faces: map[faceKey]*goFace{}, known: map[rune]bool{}}
})

type faceKey struct {
	bold bool
	size int
}

// maxFaces bounds the cache; a screen uses about six.
const maxFaces = 48

// typefaces caches faces. They are not safe for concurrent use: Render holds mu.
type typefaces struct {
	mu            sync.Mutex
	regular, bold *sfnt.Font
	faces         map[faceKey]*goFace
	known         map[rune]bool
	buf           sfnt.Buffer
}

func (t *typefaces) face(bold bool, size int) face {
	key := faceKey{bold, size}
	if f := t.faces[key]; f != nil {
		return f
	}
	if len(t.faces) >= maxFaces {
		clear(t.faces)
	}
	src := t.regular
	if bold {
		src = t.bold
	}
	ff, err := opentype.NewFace(src, &opentype.FaceOptions{Size: float64(size), DPI: 72, Hinting: font.HintingNone})
	if err != nil {
		panic(fmt.Sprintf("display: the built-in font at %d px: %v", size, err))
	}
	f := &goFace{face: ff, size: size, bold: bold, advances: map[rune]fixed.Int26_6{}}
	m := ff.Metrics()
	f.up, f.down = m.Ascent.Ceil(), m.Descent.Ceil()
	t.faces[key] = f
	return f
}

// has tells whether both fonts can show a rune.
func (t *typefaces) has(r rune) bool {
	if r == rouble {
		return true
	}
	ok, seen := t.known[r]
	if !seen {
		i, err := t.regular.GlyphIndex(&t.buf, r)
		j, err2 := t.bold.GlyphIndex(&t.buf, r)
		ok = err == nil && err2 == nil && i != 0 && j != 0
		if len(t.known) > 4096 {
			clear(t.known)
		}
		t.known[r] = ok
	}
	return ok
}

const rouble = '₽'

type goFace struct {
	face     font.Face
	size     int
	bold     bool
	up, down int
	advances map[rune]fixed.Int26_6
}

func (f *goFace) ascent() int  { return f.up }
func (f *goFace) descent() int { return f.down }

func (f *goFace) advance(r rune) fixed.Int26_6 {
	a, ok := f.advances[r]
	if !ok {
		if r == rouble {
			a, _ = f.face.GlyphAdvance('Р')
			a += f.roubleShift()
		} else {
			a, _ = f.face.GlyphAdvance(r)
		}
		f.advances[r] = a
	}
	return a
}

// roubleShift is how far the stem of ₽ stands right of that of Р, to leave
// room for the two strokes that cross it.
func (f *goFace) roubleShift() fixed.Int26_6 { return fixed.I(f.size) / 12 }

func (f *goFace) width(s string) int {
	var w fixed.Int26_6
	prev := rune(-1)
	for _, r := range s {
		if prev >= 0 {
			w += f.face.Kern(prev, r)
		}
		w += f.advance(r)
		prev = r
	}
	return w.Ceil()
}

func (f *goFace) draw(c *canvas, x, baseline int, s string, k ink) {
	at := dot(x, baseline)
	prev := rune(-1)
	for _, r := range s {
		if prev >= 0 {
			at.X += f.face.Kern(prev, r)
		}
		if r == rouble {
			f.drawRouble(c, at, k)
		} else {
			f.glyph(c, at, r, k)
		}
		at.X += f.advance(r)
		prev = r
	}
}

func (f *goFace) glyph(c *canvas, at fixed.Point26_6, r rune, k ink) {
	dr, mask, mp, _, ok := f.face.Glyph(at, r)
	if !ok || dr.Empty() {
		return
	}
	if m, isAlpha := mask.(*image.Alpha); isAlpha {
		c.stamp(dr, m, mp, k)
	}
}

// drawRouble makes ₽ of Р: the lower line of the bowl goes on to the left of
// the stem, and a second stroke crosses the stem below it.
func (f *goFace) drawRouble(c *canvas, at fixed.Point26_6, k ink) {
	stem := at
	stem.X += f.roubleShift()
	f.glyph(c, stem, 'Р', k)
	b, _, ok := f.face.GlyphBounds('Р')
	if !ok {
		return
	}
	weight := max(1, f.size*7/100)
	if f.bold {
		weight = max(1, f.size*11/100)
	}
	left := at.X.Round()
	stemX := (stem.X + b.Min.X).Floor()
	top, base := (at.Y + b.Min.Y).Round(), at.Y.Round()
	bowl := top + (base-top)*56/100
	c.rect(image.Rect(left, bowl-weight/2, stemX+weight, bowl-weight/2+weight), k)
	low := base - max(weight, (base-top)*20/100)
	right := (stem.X + b.Min.X + (b.Max.X-b.Min.X)*7/10).Round()
	c.rect(image.Rect(left, low-weight/2, right, low-weight/2+weight), k)
}
