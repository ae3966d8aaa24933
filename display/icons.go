package display

import (
	"image"

	"golang.org/x/image/vector"
)

// An icon paints itself into a square box.
type icon func(c *canvas, box image.Rectangle)

// scaled returns paths in a unit of 1/100 of the box.
func scaled(box image.Rectangle) func(float32) float32 {
	u := float32(box.Dx()) / 100
	return func(v float32) float32 { return v * u }
}

// sheetPath is a slip of paper with a torn lower edge.
func sheetPath(k func(float32) float32, x0, y0, x1, y1 float32) path {
	return func(z *vector.Rasterizer) {
		const teeth = 5
		z.MoveTo(k(x0), k(y0+4))
		z.QuadTo(k(x0), k(y0), k(x0+4), k(y0))
		z.LineTo(k(x1-4), k(y0))
		z.QuadTo(k(x1), k(y0), k(x1), k(y0+4))
		z.LineTo(k(x1), k(y1))
		step := (x1 - x0) / teeth
		for i := range teeth {
			right := x1 - float32(i)*step
			z.LineTo(k(right-step/2), k(y1-6))
			z.LineTo(k(right-step), k(y1))
		}
		z.ClosePath()
	}
}

// slipIcon is a receipt with a code on it.
func slipIcon(sheet, mark ink) icon {
	return func(c *canvas, box image.Rectangle) {
		k := scaled(box)
		c.fill(box, sheet, sheetPath(k, 20, 6, 80, 94))
		finder := func(x, y float32) {
			c.fill(box, mark, roundRectPath(k(x), k(y), k(x+17), k(y+17), k(3)))
			c.fill(box, sheet, roundRectPath(k(x+4), k(y+4), k(x+13), k(y+13), k(1)))
			c.fill(box, mark, roundRectPath(k(x+6.5), k(y+6.5), k(x+10.5), k(y+10.5), k(1)))
		}
		finder(29, 16)
		finder(54, 16)
		finder(29, 41)
		for _, d := range [][2]float32{{54, 41}, {65, 41}, {59.5, 46.5}, {54, 52}, {65, 52}} {
			c.fill(box, mark, roundRectPath(k(d[0]), k(d[1]), k(d[0]+6), k(d[1]+6), k(1)))
		}
		c.fill(box, mark, roundRectPath(k(29), k(67), k(71), k(71), k(2)))
		c.fill(box, mark, roundRectPath(k(29), k(76), k(56), k(80), k(2)))
	}
}

// dotsIcon is a receipt being made.
func dotsIcon(back, sheet, mark ink) icon {
	return func(c *canvas, box image.Rectangle) {
		k := scaled(box)
		c.fill(box, back, circlePath(k(50), k(50), k(50)))
		c.fill(box, sheet, sheetPath(k, 30, 20, 70, 80))
		c.fill(box, mark, roundRectPath(k(37), k(29), k(63), k(33), k(2)))
		c.fill(box, mark, roundRectPath(k(37), k(38), k(54), k(42), k(2)))
		for _, x := range []float32{39, 50, 61} {
			c.fill(box, mark, circlePath(k(x), k(58), k(4)))
		}
	}
}

// trayIcon is goods coming down into the tray.
func trayIcon(back, mark ink) icon {
	return func(c *canvas, box image.Rectangle) {
		k := scaled(box)
		c.fill(box, back, circlePath(k(50), k(50), k(50)))
		c.fill(box, mark, roundRectPath(k(46), k(20), k(54), k(50), k(3)))
		c.fill(box, mark, polyPath(k(34), k(43), k(66), k(43), k(50), k(60)))
		c.fill(box, mark, polyPath(
			k(24), k(58), k(32), k(58), k(32), k(70), k(68), k(70), k(68), k(58), k(76), k(58), k(76), k(78), k(24), k(78)))
	}
}

// clockIcon asks for patience.
func clockIcon(back, mark ink) icon {
	return func(c *canvas, box image.Rectangle) {
		k := scaled(box)
		c.fill(box, back, circlePath(k(50), k(50), k(50)))
		c.fill(box, mark, ringPath(k(50), k(50), k(30), k(7)))
		c.fill(box, mark, roundRectPath(k(46.5), k(32), k(53.5), k(53.5), k(3)))
		c.fill(box, mark, roundRectPath(k(46.5), k(46.5), k(66), k(53.5), k(3)))
	}
}

// barIcon is the sign for no entry.
func barIcon(back, mark, bar ink) icon {
	return func(c *canvas, box image.Rectangle) {
		k := scaled(box)
		c.fill(box, back, circlePath(k(50), k(50), k(50)))
		c.fill(box, mark, circlePath(k(50), k(50), k(36)))
		c.fill(box, bar, roundRectPath(k(27), k(43), k(73), k(57), k(4)))
	}
}
