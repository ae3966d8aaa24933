package display

import (
	"fmt"
	"image"
	"image/color"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// panels are the sizes the product promises, with real widths where a common
// panel of that size exists.
var panels = []Geometry{
	{Width: 160, Height: 160},
	{Width: 240, Height: 240, WidthMM: 27.7},
	{Width: 320, Height: 240, WidthMM: 49},
	{Width: 240, Height: 320, WidthMM: 36.7},
	{Width: 480, Height: 320, WidthMM: 73.4},
	{Width: 480, Height: 800},
	{Width: 800, Height: 480, WidthMM: 154},
	{Width: 1024, Height: 600, WidthMM: 222},
	{Width: 1280, Height: 800, WidthMM: 217},
	{Width: 400, Height: 300, WidthMM: 84.8, OneBit: true},
	{Width: 128, Height: 64, OneBit: true},
}

var states = []State{Idle, Vending, Forming, ReceiptReady, Delayed, OutOfService, "", "no such state"}

func (g Geometry) name() string {
	n := fmt.Sprintf("%dx%d", g.Width, g.Height)
	if g.OneBit {
		n += "x1bit"
	}
	return n
}

// sample is a plausible screen of a state.
func sample(s State, lang string) Screen {
	sc := Screen{
		State: s, Machine: "A-1047", Item: "Кофе американо 250 мл", Amount: 8500, Seller: "ООО «Вкусный автомат»",
		Lang: lang, At: time.Date(2026, 1, 15, 14, 32, 0, 0, time.UTC),
	}
	switch s {
	case ReceiptReady:
		sc.QR = "t=20260115T1432&s=85.00&fn=9999078902001234&i=57&fp=1234567890&n=1"
		sc.Receipt = "ФД 57 · ФПД 1234567890 · 15.01.2026 14:32"
	case Delayed:
		sc.Reason = ReasonRegisterSilent
	case OutOfService:
		sc.Reason = ReasonHubSilent
	}
	return sc
}

// checkPicture holds for every picture whatever was asked of it.
func checkPicture(t failer, s Screen, g Geometry, img image.Image, r Report) {
	t.Helper()
	if want := image.Rect(0, 0, g.Width, g.Height); img.Bounds() != want {
		t.Fatalf("picture is %v, want %v", img.Bounds(), want)
	}
	if g.OneBit {
		if n := len(img.(*image.Paletted).Palette); n > 2 {
			t.Fatalf("%d colours on a panel of one bit", n)
		}
	}
	if r.MayStandForReceipt != (len(r.Why) == 0) {
		t.Fatalf("MayStandForReceipt %v with shortfalls %v", r.MayStandForReceipt, r.Why)
	}
	if r.SizeChecked != (g.WidthMM > 0) {
		t.Fatalf("SizeChecked %v at %v mm", r.SizeChecked, g.WidthMM)
	}
	for i, x := range r.Texts {
		if !x.Box.In(r.Bounds) {
			t.Fatalf("text %q (%s) at %v leaves %v", x.Text, x.Role, x.Box, r.Bounds)
		}
		if r.Symbol != nil && x.Box.Overlaps(r.Symbol.Quiet) {
			t.Fatalf("text %q (%s) at %v enters the quiet zone %v", x.Text, x.Role, x.Box, r.Symbol.Quiet)
		}
		for _, y := range r.Texts[:i] {
			if x.Box.Overlaps(y.Box) {
				t.Fatalf("text %q (%s) %v lies on %q (%s) %v", x.Text, x.Role, x.Box, y.Text, y.Role, y.Box)
			}
		}
	}
	if q := r.Symbol; q != nil {
		checkSymbol(t, img, r)
		if r.MayStandForReceipt && g.WidthMM > 0 && q.MM < minSymbolMM {
			t.Fatalf("a symbol of %.2f mm passed for a receipt", q.MM)
		}
	}
	if s.State == ReceiptReady && r.MayStandForReceipt && r.Symbol == nil {
		t.Fatalf("a receipt without a symbol passed")
	}
}

// checkSymbol: whole-pixel modules of pure black and white, a white quiet zone
// of four modules inside the picture.
func checkSymbol(t failer, img image.Image, r Report) {
	t.Helper()
	q := r.Symbol
	if !q.Quiet.In(img.Bounds()) {
		t.Fatalf("quiet zone %v leaves the picture %v", q.Quiet, img.Bounds())
	}
	if q.Box.Dx() != q.Modules*q.ModulePx || q.Box.Dy() != q.Box.Dx() || q.Box.Inset(-4*q.ModulePx) != q.Quiet {
		t.Fatalf("symbol %+v is not of whole modules with a quiet zone of four", *q)
	}
	dark := func(x, y int) bool {
		switch c := color.RGBAModel.Convert(img.At(x, y)).(color.RGBA); c {
		case black:
			return true
		case white:
			return false
		default:
			t.Fatalf("colour %v at %d,%d inside the symbol", c, x, y)
			return false
		}
	}
	for y := q.Quiet.Min.Y; y < q.Quiet.Max.Y; y++ {
		for x := q.Quiet.Min.X; x < q.Quiet.Max.X; x++ {
			at := image.Pt(x, y)
			if !at.In(q.Box) {
				if dark(x, y) {
					t.Fatalf("dark pixel %v in the quiet zone", at)
				}
				continue
			}
			d := at.Sub(q.Box.Min)
			corner := q.Box.Min.Add(d.Sub(image.Pt(d.X%q.ModulePx, d.Y%q.ModulePx)))
			if dark(x, y) != dark(corner.X, corner.Y) {
				t.Fatalf("module at %v is not of one colour", corner)
			}
		}
	}
	if !dark(q.Box.Min.X, q.Box.Min.Y) { // the corner of a finder pattern
		t.Fatal("the symbol is inverted")
	}
}

// failer is what *testing.T and *rapid.T share.
type failer interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

func TestEveryStateOnEveryPanel(t *testing.T) {
	for _, g := range panels {
		for _, state := range states {
			for _, lang := range []string{Russian, English, ""} {
				t.Run(fmt.Sprintf("%s/%s/%s", g.name(), state, lang), func(t *testing.T) {
					s := sample(state, lang)
					img, r, err := Render(s, g)
					if err != nil {
						t.Fatal(err)
					}
					checkPicture(t, s, g, img, r)
					for _, x := range r.Texts {
						if x.Cut && x.Role != "item" && x.Role != "seller" && x.Role != "receipt" {
							t.Errorf("%s %q is cut", x.Role, x.Text)
						}
						if x.Px < 7 {
							t.Errorf("%s %q has letters of %d px", x.Role, x.Text, x.Px)
						}
					}
				})
			}
		}
	}
}

// Everything the issue names stands on the screens that have room for it.
func TestWhatABuyerReads(t *testing.T) {
	const amount = "85,00\u00a0₽"
	for _, c := range []struct {
		state State
		g     Geometry
		want  []string
	}{
		{Idle, Geometry{Width: 160, Height: 160}, []string{"A-1047", "ООО «Вкусный автомат»", "QR-код чека"}},
		{Vending, Geometry{Width: 160, Height: 160}, []string{"Выдаём товар", "Кофе американо", amount}},
		{Forming, Geometry{Width: 160, Height: 160}, []string{"Чек формируется", "Кофе американо", amount}},
		{Forming, Geometry{Width: 128, Height: 64, OneBit: true}, []string{"чек формируется", amount, "не заменяет чек"}},
		{ReceiptReady, Geometry{Width: 160, Height: 160}, []string{amount, "Кофе америка"}},
		{ReceiptReady, Geometry{Width: 240, Height: 320}, []string{amount, "Кофе американо 250 мл", "15.01.2026\u00a014:32"}},
		{ReceiptReady, Geometry{Width: 320, Height: 240}, []string{amount, "Кофе американо 250 мл", "15.01.2026\u00a014:32", "камеру"}},
		{ReceiptReady, Geometry{Width: 128, Height: 64, OneBit: true}, []string{"чек готов", amount, "не заменяет чек"}},
		{Delayed, Geometry{Width: 160, Height: 160}, []string{"Чек будет позже", "Касса не отвечает.", amount, "A-1047"}},
		{OutOfService, Geometry{Width: 160, Height: 160}, []string{"Автомат не работает", "Нет связи с сервером чеков.", "Не вносите деньги", "hub_silent"}},
		{OutOfService, Geometry{Width: 128, Height: 64, OneBit: true}, []string{"не работает", "нет связи", "не заменяет чек"}},
	} {
		t.Run(c.g.name()+"/"+string(c.state), func(t *testing.T) {
			_, r, err := Render(sample(c.state, Russian), c.g)
			if err != nil {
				t.Fatal(err)
			}
			all := allText(r)
			for _, w := range c.want {
				if !contains(all, w) {
					t.Errorf("%q is not on the screen: %s", w, all)
				}
			}
		})
	}
}

func TestTestReceiptIsMarked(t *testing.T) {
	for _, g := range panels {
		for _, amount := range []int64{0, 8500, 999999999, 922337203685477} {
			for _, lang := range []string{Russian, English} {
				s := sample(ReceiptReady, lang)
				s.Test, s.Amount, s.QR = true, amount, LongestQR
				img, r, err := Render(s, g)
				if err != nil {
					t.Fatal(err)
				}
				checkPicture(t, s, g, img, r)
				want := words.testShort.In(lang)
				if amount < 1e12 && g.Width > 160 && !g.OneBit {
					want = words.test.In(lang)
				}
				if all := allText(r); !contains(all, want) {
					t.Errorf("%s %s %d: no %q on a test receipt: %s", g.name(), lang, amount, want, all)
				}
				if all := allText(r); contains(all, words.receipt.In(lang)) {
					t.Errorf("%s: a test receipt calls itself one: %s", g.name(), all)
				}
			}
		}
	}
}

func TestSameScreenSamePicture(t *testing.T) {
	for _, g := range panels {
		s := sample(ReceiptReady, Russian)
		a, _, _ := Render(s, g)
		for _, other := range panels { // other sizes in between change the caches
			if _, _, err := Render(sample(Forming, English), other); err != nil {
				t.Fatal(err)
			}
		}
		b, _, _ := Render(s, g)
		if string(a.(*image.Paletted).Pix) != string(b.(*image.Paletted).Pix) {
			t.Errorf("%s: two renderings differ", g.name())
		}
	}
}

func TestImpossibleGeometry(t *testing.T) {
	for _, g := range []Geometry{
		{}, {Width: 31, Height: 200}, {Width: 200, Height: -1}, {Width: 5000, Height: 100}, {Width: 4096, Height: 4096},
		{Width: 200, Height: 200, WidthMM: -1}, {Width: 1 << 40, Height: 1 << 40},
	} {
		if _, _, err := Render(sample(Idle, Russian), g); err == nil {
			t.Errorf("%+v was drawn", g)
		}
		if _, err := Assess(g); err == nil {
			t.Errorf("%+v was judged", g)
		}
	}
}

// Any text on any panel: no panic, nothing outside, nothing over the symbol.
func TestAnyScreenOnAnyPanel(t *testing.T) {
	anyText := rapid.OneOf(
		rapid.String(),
		rapid.StringOfN(rapid.RuneFrom([]rune("АБВгдеё ЩЫ-/·.,№«»₽Wi1🍫\u0301\u200f\u00a0é漢\n\tҚ")), 0, 400, -1),
		rapid.SampledFrom([]string{"", " ", "Й́й̆", "🍫🥤🍬", "٣٤", "a\xffb\x00c", "Превысокомногорассмотрительствующий"}),
	)
	rapid.Check(t, func(t *rapid.T) {
		g := Geometry{
			Width:  rapid.IntRange(64, 1300).Draw(t, "width"),
			Height: rapid.IntRange(64, 1300).Draw(t, "height"),
			OneBit: rapid.Bool().Draw(t, "one bit"),
		}
		if rapid.Bool().Draw(t, "small panel") {
			g.Width, g.Height = 64+g.Width%260, 64+g.Height%260
		}
		if rapid.Bool().Draw(t, "measured") {
			g.WidthMM = rapid.Float64Range(5, 400).Draw(t, "mm")
		}
		s := Screen{
			State:   rapid.SampledFrom(states).Draw(t, "state"),
			Machine: anyText.Draw(t, "machine"), Item: anyText.Draw(t, "item"), Seller: anyText.Draw(t, "seller"),
			Receipt: anyText.Draw(t, "receipt"), Reason: anyText.Draw(t, "reason"),
			Amount: rapid.Int64().Draw(t, "amount"), Test: rapid.Bool().Draw(t, "test"),
			Lang: rapid.SampledFrom([]string{"", "ru", "en", "tt"}).Draw(t, "lang"),
			QR:   rapid.OneOf(rapid.Just(LongestQR), anyText).Draw(t, "qr"),
		}
		img, r, err := Render(s, g)
		if err != nil {
			t.Fatal(err)
		}
		checkPicture(t, s, g, img, r)
	})
}

func FuzzRender(f *testing.F) {
	f.Add("receipt", "A-1", "Кофе", LongestQR, "ФД 1 · 2", "hub_silent", int64(100), uint16(240), uint16(240), 27.0, false)
	f.Add("delayed", "\u0301", "🍫", "", " · ", "", int64(-1), uint16(128), uint16(64), 0.0, true)
	f.Fuzz(func(t *testing.T, state, machine, item, qr, receipt, reason string, amount int64, w, h uint16, mm float64, oneBit bool) {
		s := Screen{State: State(state), Machine: machine, Item: item, Seller: item, QR: qr, Receipt: receipt, Reason: reason, Amount: amount, Test: amount%2 == 0}
		g := Geometry{Width: int(w % 1400), Height: int(h % 1400), WidthMM: mm, OneBit: oneBit}
		img, r, err := Render(s, g)
		if err != nil {
			if g.check() == nil {
				t.Fatal(err)
			}
			return
		}
		checkPicture(t, s, g, img, r)
	})
}

func BenchmarkRender(b *testing.B) {
	for _, g := range panels {
		for _, state := range []State{Forming, ReceiptReady} {
			b.Run(g.name()+"/"+string(state), func(b *testing.B) {
				s := sample(state, Russian)
				b.ReportAllocs()
				for b.Loop() {
					if _, _, err := Render(s, g); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
