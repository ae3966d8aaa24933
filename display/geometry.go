package display

import (
	"fmt"
	"math"
	"sync"
)

// Limits of a geometry, pixels. The upper one bounds the memory of a picture.
const (
	minSide = 32
	maxSide = 4096
	maxArea = 3840 * 2160
)

func (g Geometry) check() error {
	switch {
	case g.Width < minSide || g.Height < minSide:
		return fmt.Errorf("display: a panel of %d × %d pixels is too small: at least %d on each side", g.Width, g.Height, minSide)
	case g.Width > maxSide || g.Height > maxSide || g.Width*g.Height > maxArea:
		return fmt.Errorf("display: a panel of %d × %d pixels is too large: at most %d on a side and %d in all", g.Width, g.Height, maxSide, maxArea)
	case g.WidthMM < 0 || math.IsNaN(g.WidthMM) || math.IsInf(g.WidthMM, 0):
		return fmt.Errorf("display: a panel cannot be %v mm wide", g.WidthMM)
	}
	return nil
}

// pitch is millimetres per pixel, 0 when unknown. Pixels are taken as square.
func (g Geometry) pitch() float64 { return g.WidthMM / float64(g.Width) }

func (g Geometry) short() int { return min(g.Width, g.Height) }

func (g Geometry) wide() bool { return g.Width*100 >= g.Height*125 }

// longest holds the candidates for LongestQR, which is asked for at each
// judgement of a panel.
var longest = sync.OnceValue(func() []candidate {
	ks, err := candidates(LongestQR)
	if err != nil {
		panic(err)
	}
	return ks
})

// sides of the square a symbol with its quiet zone may take.
type sides struct {
	wanted int // leaves the room a good layout wants for text
	most   int // leaves one line of text
}

// receiptSide divides a receipt screen between symbol and text.
func receiptSide(g Geometry) sides {
	if g.wide() {
		most := min(g.Height, g.Width-max(48, g.Width/5))
		return sides{wanted: min(g.Height, g.Width*60/100), most: most}
	}
	line := max(14, g.short()/15)
	most := min(g.Width, g.Height-line)
	text := max(line, g.Height*15/100)
	if g.Height*100 > g.Width*115 { // a real portrait has room for a column below
		text = max(text, min(g.Height*28/100, g.Height-g.Width))
	}
	return sides{wanted: min(g.Width, g.Height-text), most: most}
}
