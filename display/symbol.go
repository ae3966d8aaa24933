package display

import (
	"errors"
	"fmt"
	"image"

	"github.com/skip2/go-qrcode"
)

// Rules of the symbol (FFD order, requirements to the QR of a receipt, tag
// 1196): QR Code Model 2, error correction L or better, at least 20 × 20 mm.
// Four light modules around it are ISO/IEC 18004's quiet zone.
const (
	quietModules = 4
	minSymbolMM  = 20.0
	minShortSide = 160 // pixels of the short side below which a panel shows status only
	minModulePx  = 2

	// A module this large is read by any phone, so from here on the choice goes
	// to more error correction rather than to larger modules.
	easyModulePx = 4
	easyModuleMM = 0.5

	maxVersion = 15 // 77 modules: 520 bytes at level L; a receipt's string has at most 81
)

// LongestQR is as long as a receipt's string gets: seconds in the time, seven
// digits of roubles, ten digits of document number and fiscal sign.
const LongestQR = "t=20260115T143259&s=9999999.99&fn=9999078902001234&i=4294967295&fp=4294967295&n=1"

// Symbol is a QR code as placed on a screen.
type Symbol struct {
	Version  int             // 1..40
	Level    string          // "L", "M", "Q", "H"
	Modules  int             // per side, without the quiet zone
	ModulePx int             // whole pixels per module
	Box      image.Rectangle // dark and light modules
	Quiet    image.Rectangle // Box and its quiet zone
	MM       float64         // side of Box; 0 when the panel's size is unknown
}

// A candidate is a version and level that holds the string.
type candidate struct {
	version int
	level   int
}

var levels = []struct {
	name string
	code qrcode.RecoveryLevel
}{{"L", qrcode.Low}, {"M", qrcode.Medium}, {"Q", qrcode.High}}

func (k candidate) modules() int { return 17 + 4*k.version }

// candidates lists what can hold a string, smallest symbol first, per level.
func candidates(content string) ([]candidate, error) {
	if content == "" {
		return nil, errors.New("display: no string to put into a QR code")
	}
	if len(content) > 520 {
		return nil, fmt.Errorf("display: %d bytes are too long for a receipt's QR code", len(content))
	}
	var ks []candidate
	for l, level := range levels {
		q, err := qrcode.New(content, level.code)
		if err != nil || q.VersionNumber > maxVersion {
			continue
		}
		for v := q.VersionNumber; v <= maxVersion; v++ {
			ks = append(ks, candidate{v, l})
		}
	}
	if len(ks) == 0 {
		return nil, fmt.Errorf("display: %d bytes do not fit a QR code of version %d", len(content), maxVersion)
	}
	return ks, nil
}

// chooseSymbol picks version, level and module size for a square of side
// pixels. pitch is millimetres per pixel, 0 when unknown. Sufficient says
// whether the law's 20 mm are reached (or cannot be checked) with modules of
// two pixels or more; when nothing suffices the largest symbol is returned.
func chooseSymbol(ks []candidate, side int, pitch float64) (best candidate, modulePx int, sufficient bool) {
	type rank struct{ enough, easy, level, px, version int }
	var top rank
	for _, k := range ks {
		px := side / (k.modules() + 2*quietModules)
		if px < 1 {
			continue
		}
		r := rank{px: px, version: -k.version}
		if px >= minModulePx && (pitch == 0 || float64(px*k.modules())*pitch >= minSymbolMM) {
			r.enough = 1
		}
		if px >= easyModulePx && (pitch == 0 || float64(px)*pitch >= easyModuleMM) {
			r.easy, r.level = 1, min(k.level, 1) // Q serves only where M would be no smaller
		}
		if r.enough == 0 {
			r = rank{px: px * k.modules(), version: -k.version}
		}
		if modulePx == 0 || less(
			top.enough, r.enough, top.easy, r.easy, top.level, r.level,
			top.px, r.px, best.level, k.level, top.version, r.version) {
			top, best, modulePx = r, k, px
		}
	}
	return best, modulePx, top.enough == 1
}

// less compares pairs in order of weight.
func less(pairs ...int) bool {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i] != pairs[i+1] {
			return pairs[i] < pairs[i+1]
		}
	}
	return false
}

// drawSymbol paints the symbol of content black on white with its quiet zone's
// corner at pt.
func drawSymbol(c *canvas, content string, k candidate, px int, pt image.Point, pitch float64) (Symbol, error) {
	q, err := qrcode.NewWithForcedVersion(content, k.version, levels[k.level].code)
	if err != nil {
		return Symbol{}, fmt.Errorf("display: QR code version %d-%s of %d bytes: %w", k.version, levels[k.level].name, len(content), err)
	}
	q.DisableBorder = true
	bits := q.Bitmap()
	n := len(bits)
	whole := (n + 2*quietModules) * px
	s := Symbol{
		Version: k.version, Level: levels[k.level].name, Modules: n, ModulePx: px,
		Quiet: image.Rect(0, 0, whole, whole).Add(pt),
	}
	s.Box = s.Quiet.Inset(quietModules * px)
	s.MM = float64(n*px) * pitch
	white, black := c.ink(white), c.ink(black)
	c.rect(s.Quiet, white)
	for y, row := range bits {
		for x, dark := range row {
			if dark {
				at := s.Box.Min.Add(image.Pt(x*px, y*px))
				c.rect(image.Rectangle{at, at.Add(image.Pt(px, px))}, black)
			}
		}
	}
	return s, nil
}
