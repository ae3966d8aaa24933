package display

import "image/color"

func rgb(v uint32) color.RGBA {
	return color.RGBA{uint8(v >> 16), uint8(v >> 8), uint8(v), 0xff}
}

var (
	white = rgb(0xffffff)
	black = rgb(0x000000)
)

// A theme is the colours of a state: calm green while all is well, amber while
// one waits, red when nothing is sold. On a panel of one bit all is black on
// white.
type theme struct {
	ground color.RGBA // background
	plain  color.RGBA // text
	muted  color.RGBA // secondary text
	strong color.RGBA // accent of icons and headings
	tint   color.RGBA // soft areas behind icons and numbers
	onTint color.RGBA // text on tint
	sign   color.RGBA // signs on tint
	line   color.RGBA // hairlines
}

var (
	calm = theme{
		ground: rgb(0x0b4f49), plain: rgb(0xffffff), muted: rgb(0xb5d8d2),
		strong: rgb(0x7fe0c8), sign: rgb(0x7fe0c8), tint: rgb(0xffffff), onTint: rgb(0x0b4f49), line: rgb(0x2c6c65),
	}
	busy = theme{
		ground: rgb(0xf2f7f5), plain: rgb(0x12262b), muted: rgb(0x54686d),
		strong: rgb(0x0e7a6d), sign: rgb(0x0e7a6d), tint: rgb(0xd3ebe5), onTint: rgb(0x0b4f49), line: rgb(0xd5e0dd),
	}
	paper = theme{
		ground: white, plain: rgb(0x12262b), muted: rgb(0x54686d),
		strong: rgb(0x0e7a6d), sign: rgb(0x0e7a6d), tint: rgb(0xffc34d), onTint: rgb(0x3a2500), line: rgb(0xdfe6e4),
	}
	late = theme{
		ground: rgb(0xfff6e3), plain: rgb(0x33260c), muted: rgb(0x75623b),
		strong: rgb(0xb36200), sign: rgb(0xb36200), tint: rgb(0xffe2a8), onTint: rgb(0x5a3a00), line: rgb(0xf0dfb8),
	}
	halted = theme{
		ground: rgb(0xfdf1ef), plain: rgb(0x351512), muted: rgb(0x7d5551),
		strong: rgb(0xc0392b), sign: rgb(0xc0392b), tint: rgb(0xfad7d2), onTint: rgb(0x6d1a12), line: rgb(0xf1d6d2),
	}
	mono = theme{
		ground: white, plain: black, muted: black, strong: black, sign: white, tint: black, onTint: white, line: black,
	}
	lamps = theme{ // self-lit status panels: few lit pixels
		ground: black, plain: white, muted: white, strong: white, sign: black, tint: white, onTint: black, line: white,
	}
)

func themeOf(s State, g Geometry) theme {
	switch {
	case g.OneBit && g.short() < minShortSide:
		return lamps
	case g.OneBit:
		return mono
	}
	switch s {
	case Vending, Forming:
		return busy
	case ReceiptReady:
		if g.short() < minShortSide {
			return busy
		}
		return paper
	case Delayed:
		return late
	case OutOfService:
		return halted
	default:
		return calm
	}
}
