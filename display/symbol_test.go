package display

import (
	"encoding/csv"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	"pgregory.net/rapid"
)

// decode reads the picture with a decoder that shares no code with the encoder.
func decode(t failer, img image.Image) string {
	t.Helper()
	bits, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		t.Fatal(err)
	}
	res, err := qrcode.NewQRCodeReader().Decode(bits, nil)
	if err != nil {
		t.Fatalf("the symbol is not read: %v", err)
	}
	return res.GetText()
}

// decodeSymbol reads the symbol. The decoder's search mistakes a chance pattern
// in about one string of 400 for a finder pattern and gives up; then the
// search is left out and the symbol read from its own square.
func decodeSymbol(t failer, img image.Image, s Symbol) string {
	t.Helper()
	if bits, err := gozxing.NewBinaryBitmapFromImage(img); err == nil {
		if res, err := qrcode.NewQRCodeReader().Decode(bits, nil); err == nil {
			return res.GetText()
		}
	}
	bits, err := gozxing.NewBinaryBitmapFromImage(img.(*image.Paletted).SubImage(s.Quiet))
	if err != nil {
		t.Fatal(err)
	}
	res, err := qrcode.NewQRCodeReader().Decode(bits, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_PURE_BARCODE: true})
	if err != nil {
		t.Fatalf("the symbol %+v is not read: %v", s, err)
	}
	return res.GetText()
}

func allText(r Report) string {
	var lines []string
	for _, x := range r.Texts {
		lines = append(lines, x.Text)
	}
	return strings.Join(lines, " ")
}

func contains(all, part string) bool { return strings.Contains(all, part) }

// Strings of the forms met in the field (reference: FFD, tag 1196).
var receiptStrings = []string{
	"t=20260115T1432&s=85.00&fn=9999078902001234&i=57&fp=1234567890&n=1",
	"t=20250630T1736&s=1620.64&fn=7380440801199300&i=125393&fp=2940285335&n=1",
	"t=20181219T155200&s=1286.00&fn=8710000100448399&i=106760&fp=3157595585&n=1",
	"t=20170426T100348&s=259.00&fn=8710000100388285&i=1472&fp=1421230762&n=1",
	"t=20241125T1318&s=3058.00&fn=7281440701457733&i=108108&fp=91817583&n=1",
	"t=20150720T1638&s=9999999.00&fn=000110000105&i=12345678&fp=123456&n=2",
	"t=20260101T0000&s=0.50&fn=9999078902001234&i=1&fp=1&n=4",
	"t=20260115T1432&s=9999999.99&fn=9999078902001234&i=4294967295&fp=4294967295&n=3",
	LongestQR,
}

func TestSymbolIsReadOnEveryPanel(t *testing.T) {
	for _, g := range panels {
		for i, want := range receiptStrings {
			for _, test := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%d/test=%v", g.name(), i, test), func(t *testing.T) {
					s := sample(ReceiptReady, Russian)
					s.QR, s.Test = want, test
					img, r, err := Render(s, g)
					if err != nil {
						t.Fatal(err)
					}
					if g.short() < minShortSide {
						if r.MayStandForReceipt || r.Symbol != nil {
							t.Fatalf("a status panel passed for a receipt: %+v", r)
						}
						return
					}
					if !r.MayStandForReceipt {
						t.Fatalf("refused: %v", r.Why)
					}
					if got := decode(t, img); got != want {
						t.Errorf("read %q, want %q", got, want)
					}
				})
			}
		}
	}
}

// Published strings of real receipts.
func TestPublishedStrings(t *testing.T) {
	for _, want := range published(t) {
		for _, g := range []Geometry{panels[0], panels[1], panels[6]} {
			s := sample(ReceiptReady, Russian)
			s.QR = want
			img, r, err := Render(s, g)
			if err != nil {
				t.Fatal(err)
			}
			if r.Symbol == nil || !r.MayStandForReceipt {
				t.Fatalf("%s on %s: %v", want, g.name(), r.Why)
			}
			if got := decodeSymbol(t, img, *r.Symbol); got != want {
				t.Errorf("%s: read %q, want %q", g.name(), got, want)
			}
		}
	}
}

// published reads receipts/qr/qr.csv of $CHEKOMAT_TRACES (default: ../shared/traces
// beside the module).
func published(t *testing.T) []string {
	t.Helper()
	dir := os.Getenv("CHEKOMAT_TRACES")
	if dir == "" {
		at, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for {
			if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
				break
			}
			if at == filepath.Dir(at) {
				t.Fatal("no go.mod above the test")
			}
			at = filepath.Dir(at)
		}
		dir = filepath.Join(at, "..", "shared", "traces")
	}
	f, err := os.Open(filepath.Join(dir, "receipts", "qr", "qr.csv"))
	if err != nil {
		t.Skip("CHEKOMAT_TRACES absent: " + err.Error())
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var qrs []string
	for _, row := range rows[1:] {
		qrs = append(qrs, row[1])
	}
	return qrs
}

func TestSymbolIsReadAtAnySize(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := Geometry{
			Width:  rapid.IntRange(160, 1000).Draw(t, "width"),
			Height: rapid.IntRange(160, 1000).Draw(t, "height"),
			OneBit: rapid.Bool().Draw(t, "one bit"),
		}
		if rapid.Bool().Draw(t, "measured") {
			g.WidthMM = rapid.Float64Range(20, 300).Draw(t, "mm")
		}
		s := sample(ReceiptReady, Russian)
		s.QR = fmt.Sprintf("t=%dT%04d&s=%d.%02d&fn=%016d&i=%d&fp=%d&n=%d",
			rapid.IntRange(20200101, 20991231).Draw(t, "date"), rapid.IntRange(0, 2359).Draw(t, "time"),
			rapid.IntRange(0, 9999999).Draw(t, "roubles"), rapid.IntRange(0, 99).Draw(t, "kopecks"),
			rapid.Int64Range(0, 9999999999999999).Draw(t, "fn"), rapid.Uint32().Draw(t, "fd"),
			rapid.Uint32().Draw(t, "fp"), rapid.IntRange(1, 4).Draw(t, "kind"))
		img, r, err := Render(s, g)
		if err != nil {
			t.Fatal(err)
		}
		checkPicture(t, s, g, img, r)
		if r.Symbol == nil || r.Symbol.ModulePx < minModulePx {
			t.Fatalf("no readable symbol on %+v: %+v", g, r.Symbol)
		}
		if got := decodeSymbol(t, img, *r.Symbol); got != s.QR {
			t.Fatalf("read %q, want %q", got, s.QR)
		}
	})
}

func TestMillimetres(t *testing.T) {
	for _, c := range []struct {
		name string
		g    Geometry
		may  bool
		why  string
	}{
		{"unknown size passes unchecked", Geometry{Width: 240, Height: 240}, true, ""},
		{"1.54 inch square", Geometry{Width: 240, Height: 240, WidthMM: 27.7}, true, ""},
		{"1.3 inch square", Geometry{Width: 240, Height: 240, WidthMM: 23.4}, false, TooSmall},
		{"0.96 inch", Geometry{Width: 160, Height: 160, WidthMM: 20}, false, TooSmall},
		{"status panel", Geometry{Width: 128, Height: 64, WidthMM: 22, OneBit: true}, false, TooFewPixels},
		{"large but coarse", Geometry{Width: 159, Height: 400, WidthMM: 300}, false, TooFewPixels},
		{"e-paper of one bit", Geometry{Width: 400, Height: 300, WidthMM: 84.8, OneBit: true}, true, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			judged, err := Assess(c.g)
			if err != nil {
				t.Fatal(err)
			}
			s := sample(ReceiptReady, Russian)
			s.QR = LongestQR
			_, drawn, err := Render(s, c.g)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range []Report{judged, drawn} {
				if r.MayStandForReceipt != c.may || r.SizeChecked != (c.g.WidthMM > 0) {
					t.Errorf("may %v, checked %v: %v", r.MayStandForReceipt, r.SizeChecked, r.Why)
				}
				if c.why != "" && (len(r.Why) != 1 || r.Why[0] != c.why) {
					t.Errorf("why %v, want %s", r.Why, c.why)
				}
			}
		})
	}
}

// What Assess promises, Render keeps for every string a receipt can have.
func TestAssessIsKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := Geometry{
			Width:   rapid.IntRange(64, 700).Draw(t, "width"),
			Height:  rapid.IntRange(64, 700).Draw(t, "height"),
			WidthMM: rapid.Float64Range(10, 120).Draw(t, "mm"),
		}
		judged, err := Assess(g)
		if err != nil {
			t.Fatal(err)
		}
		s := sample(ReceiptReady, Russian)
		s.QR = rapid.SampledFrom(receiptStrings).Draw(t, "qr")
		_, drawn, err := Render(s, g)
		if err != nil {
			t.Fatal(err)
		}
		if judged.MayStandForReceipt && !drawn.MayStandForReceipt {
			t.Fatalf("promised %+v, drawn %v", judged, drawn.Why)
		}
	})
}

func TestUnfitStrings(t *testing.T) {
	for _, c := range []struct{ qr, why string }{
		{"", NoString},
		{strings.Repeat("x", 521), BadString},
		{strings.Repeat("9", 5000), BadString},
	} {
		s := sample(ReceiptReady, Russian)
		s.QR = c.qr
		img, r, err := Render(s, Geometry{Width: 320, Height: 240})
		if err != nil {
			t.Fatal(err)
		}
		checkPicture(t, s, Geometry{Width: 320, Height: 240}, img, r)
		if r.MayStandForReceipt || r.Symbol != nil || len(r.Why) != 1 || r.Why[0] != c.why {
			t.Errorf("%d bytes: %+v", len(c.qr), r)
		}
	}
}

func TestLevelIsMWhereThereIsRoom(t *testing.T) {
	s := sample(ReceiptReady, Russian)
	s.QR = LongestQR
	_, r, err := Render(s, Geometry{Width: 800, Height: 480, WidthMM: 154})
	if err != nil {
		t.Fatal(err)
	}
	if r.Symbol.Level == "L" {
		t.Errorf("level %s on a large panel", r.Symbol.Level)
	}
}
