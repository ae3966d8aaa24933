package display

import (
	"image"
	"image/color"

	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// An ink is an index into the palette of a canvas.
type ink uint8

// blendLevels is how many steps an edge may have between two colours. Sixteen
// are not told from 255 at the size of a letter, and they keep a screen within
// one palette: one byte a pixel instead of four on a device with little memory.
const blendLevels = 16

// canvas is an indexed picture that blends inks by adding colours to its
// palette. Its zero ink is the background.
type canvas struct {
	img    *image.Paletted
	oneBit bool
	mixes  map[[3]uint8]ink  // ink, ink below, level
	raster vector.Rasterizer // scratch of fill
	mask   *image.Alpha      // scratch of fill
}

func newCanvas(w, h int, oneBit bool, background color.RGBA) *canvas {
	return &canvas{
		img:    image.NewPaletted(image.Rect(0, 0, w, h), color.Palette{background}),
		oneBit: oneBit,
		mixes:  map[[3]uint8]ink{},
	}
}

// ink returns the palette index of a colour, adding it when it is new; with a
// full palette it returns the nearest colour.
func (c *canvas) ink(col color.RGBA) ink {
	for i, p := range c.img.Palette {
		if p == col {
			return ink(i)
		}
	}
	if len(c.img.Palette) < 256 {
		c.img.Palette = append(c.img.Palette, col)
		return ink(len(c.img.Palette) - 1)
	}
	return ink(c.img.Palette.Index(col))
}

// mix returns the ink that results from laying level/blendLevels of top over
// below.
func (c *canvas) mix(top, below ink, level int) ink {
	switch {
	case level <= 0 || top == below:
		return below
	case level >= blendLevels:
		return top
	case c.oneBit:
		if level >= blendLevels/2 {
			return top
		}
		return below
	}
	key := [3]uint8{uint8(top), uint8(below), uint8(level)}
	if m, ok := c.mixes[key]; ok {
		return m
	}
	a, b := c.img.Palette[top].(color.RGBA), c.img.Palette[below].(color.RGBA)
	between := func(x, y uint8) uint8 {
		return uint8((int(x)*level + int(y)*(blendLevels-level) + blendLevels/2) / blendLevels)
	}
	m := c.ink(color.RGBA{between(a.R, b.R), between(a.G, b.G), between(a.B, b.B), 0xff})
	c.mixes[key] = m
	return m
}

// rect fills a rectangle, clipped to the picture.
func (c *canvas) rect(r image.Rectangle, k ink) {
	r = r.Intersect(c.img.Rect)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := c.img.Pix[c.img.PixOffset(r.Min.X, y):c.img.PixOffset(r.Max.X, y)]
		for x := range row {
			row[x] = uint8(k)
		}
	}
}

// stamp lays an ink through the coverage mask, whose point mp falls on dr.Min.
func (c *canvas) stamp(dr image.Rectangle, mask *image.Alpha, mp image.Point, k ink) {
	clipped := dr.Intersect(c.img.Rect)
	mp = mp.Add(clipped.Min.Sub(dr.Min))
	for y := range clipped.Dy() {
		from := mask.Pix[mask.PixOffset(mp.X, mp.Y+y):]
		to := c.img.Pix[c.img.PixOffset(clipped.Min.X, clipped.Min.Y+y):]
		for x := range clipped.Dx() {
			if a := int(from[x]); a != 0 {
				to[x] = uint8(c.mix(k, ink(to[x]), (a*blendLevels+127)/255))
			}
		}
	}
}

// A path draws itself with coordinates in pixels relative to its own box.
type path func(*vector.Rasterizer)

// fill draws paths together (a hole is a path running the other way) inside box.
func (c *canvas) fill(box image.Rectangle, k ink, paths ...path) {
	if box.Empty() {
		return
	}
	z := &c.raster
	z.Reset(box.Dx(), box.Dy())
	for _, p := range paths {
		p(z)
	}
	if c.mask == nil || !box.Sub(box.Min).In(c.mask.Rect) {
		c.mask = image.NewAlpha(box.Sub(box.Min))
	}
	clear(c.mask.Pix)
	z.Draw(c.mask, box.Sub(box.Min), image.Opaque, image.Point{})
	c.stamp(box, c.mask, image.Point{}, k)
}

// roundRect fills a rectangle with round corners of radius r.
func (c *canvas) roundRect(box image.Rectangle, r int, k ink) {
	r = min(r, box.Dx()/2, box.Dy()/2)
	if r <= 0 {
		c.rect(box, k)
		return
	}
	c.fill(box, k, roundRectPath(0, 0, float32(box.Dx()), float32(box.Dy()), float32(r)))
}

// arcRatio places the control points of a cubic curve that follows a quarter
// of a circle.
const arcRatio = 0.5522848

func roundRectPath(x0, y0, x1, y1, r float32) path {
	return func(z *vector.Rasterizer) {
		k := r * (1 - arcRatio)
		z.MoveTo(x0+r, y0)
		z.LineTo(x1-r, y0)
		z.CubeTo(x1-k, y0, x1, y0+k, x1, y0+r)
		z.LineTo(x1, y1-r)
		z.CubeTo(x1, y1-k, x1-k, y1, x1-r, y1)
		z.LineTo(x0+r, y1)
		z.CubeTo(x0+k, y1, x0, y1-k, x0, y1-r)
		z.LineTo(x0, y0+r)
		z.CubeTo(x0, y0+k, x0+k, y0, x0+r, y0)
		z.ClosePath()
	}
}

func circlePath(cx, cy, r float32) path {
	return roundRectPath(cx-r, cy-r, cx+r, cy+r, r)
}

// ringPath is a circle of outer radius r with a hole, wide pixels thick.
func ringPath(cx, cy, r, wide float32) path {
	return func(z *vector.Rasterizer) {
		circlePath(cx, cy, r)(z)
		in := r - wide
		k := in * arcRatio
		z.MoveTo(cx, cy-in)
		z.CubeTo(cx-k, cy-in, cx-in, cy-k, cx-in, cy)
		z.CubeTo(cx-in, cy+k, cx-k, cy+in, cx, cy+in)
		z.CubeTo(cx+k, cy+in, cx+in, cy+k, cx+in, cy)
		z.CubeTo(cx+in, cy-k, cx+k, cy-in, cx, cy-in)
		z.ClosePath()
	}
}

// polyPath closes the given corners: x, y, x, y…
func polyPath(xy ...float32) path {
	return func(z *vector.Rasterizer) {
		z.MoveTo(xy[0], xy[1])
		for i := 2; i+1 < len(xy); i += 2 {
			z.LineTo(xy[i], xy[i+1])
		}
		z.ClosePath()
	}
}

// dot is a pixel position in the fonts' 26.6 fixed point.
func dot(x, y int) fixed.Point26_6 { return fixed.P(x, y) }
