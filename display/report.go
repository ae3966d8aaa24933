package display

import "image"

// Shortfalls: stable codes for why a panel, or a picture on it, may not stand
// for a receipt.
const (
	TooFewPixels = "too_few_pixels" // the short side is below 160 pixels, or modules would be smaller than two
	TooSmall     = "too_small_mm"   // the symbol would be smaller than 20 × 20 mm
	NoString     = "qr_missing"     // a receipt without a QR string
	BadString    = "qr_unfit"       // a string that no symbol for a receipt holds
)

// Report tells what a picture may be used for.
//
// The law frees a vending machine from giving a receipt only while its display
// shows the receipt's QR code (54-FZ art. 1.2 p. 5.1 sub 2), and the order on
// FFD asks for a symbol of at least 20 × 20 mm; so the agent sells only with a
// panel for which MayStandForReceipt is true.
type Report struct {
	// MayStandForReceipt: this panel shows a receipt's QR code by the rules. On
	// a screen that is no receipt it is judged with LongestQR.
	MayStandForReceipt bool
	// Why lists the shortfalls when it may not.
	Why []string
	// SizeChecked is false when the panel's millimetres are unknown: then the
	// rule of 20 mm could not be checked and a person must measure.
	SizeChecked bool
	// Symbol as drawn; nil when there is none on this screen.
	Symbol *Symbol
	// Texts as drawn, from top to bottom within each column.
	Texts []Text
	// Bounds of the picture.
	Bounds image.Rectangle
}

// shortfallTexts say a code for people.
var shortfallTexts = map[string]Phrase{
	TooFewPixels: {"слишком мало пикселей для QR-кода чека (нужно от 160 по короткой стороне)", "too few pixels for a receipt's QR code (at least 160 on the short side)"},
	TooSmall:     {"QR-код вышел бы меньше 20 × 20 мм", "the QR code would be smaller than 20 × 20 mm"},
	NoString:     {"у чека нет строки QR-кода", "the receipt has no QR string"},
	BadString:    {"строка QR-кода не подходит для чека", "the QR string does not fit a receipt's symbol"},
}

// ShortfallText explains a shortfall code.
func ShortfallText(code, lang string) string {
	if p, ok := shortfallTexts[code]; ok {
		return p.In(lang)
	}
	return code
}

// Assess judges a panel before any receipt is shown, with the longest string a
// receipt can have.
func Assess(g Geometry) (Report, error) {
	if err := g.check(); err != nil {
		return Report{}, err
	}
	return assess(g), nil
}

func assess(g Geometry) Report {
	r := Report{Bounds: image.Rect(0, 0, g.Width, g.Height), SizeChecked: g.WidthMM > 0}
	if min(g.Width, g.Height) < minShortSide {
		r.Why = append(r.Why, TooFewPixels)
	} else if _, _, ok := chooseSymbol(longest(), receiptSide(g).most, g.pitch()); !ok {
		r.Why = append(r.Why, TooSmall)
	}
	r.MayStandForReceipt = len(r.Why) == 0
	return r
}
