// Package samples draws the screens shown in the documentation.
package samples

import (
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"time"

	"github.com/chekomat/chekomat/display"
)

// A Sample is a screen on a panel under a file name without its ending.
type Sample struct {
	Name     string
	Screen   display.Screen
	Geometry display.Geometry
}

// All lists the samples: each state on a panel of 7 inches, the receipt also on
// small ones, as a test receipt and in English. Numbers and seller are invented.
func All() []Sample {
	seven := display.Geometry{Width: 800, Height: 480, WidthMM: 154}
	screen := func(s display.State, reason string) display.Screen {
		return display.Screen{
			State: s, Reason: reason, Machine: "A-1047", Seller: "ООО «Вкусный автомат»",
			Item: "Кофе американо 250 мл", Amount: 8500, At: time.Date(2026, 1, 15, 14, 32, 0, 0, time.UTC),
		}
	}
	receipt := screen(display.ReceiptReady, "")
	receipt.QR = "t=20260115T1432&s=85.00&fn=9999078902001234&i=57&fp=1234567890&n=1"
	receipt.Receipt = "ФД 57 · ФПД 1234567890 · 15.01.2026 14:32"
	test := receipt
	test.Test = true
	english := receipt
	english.Lang, english.Item, english.Seller = display.English, "Americano 250 ml", "Tasty Vending LLC"
	english.Receipt = "FD 57 · FP 1234567890 · 15.01.2026 14:32"
	return []Sample{
		{"display-idle", screen(display.Idle, ""), seven},
		{"display-vending", screen(display.Vending, ""), seven},
		{"display-forming", screen(display.Forming, ""), seven},
		{"display-receipt", receipt, seven},
		{"display-receipt-test", test, seven},
		{"display-receipt-en", english, seven},
		{"display-delayed", screen(display.Delayed, display.ReasonRegisterSilent), seven},
		{"display-out-of-service", screen(display.OutOfService, display.ReasonHubSilent), seven},
		{"display-receipt-240x320", receipt, display.Geometry{Width: 240, Height: 320, WidthMM: 36.7}},
		{"display-receipt-240x240", receipt, display.Geometry{Width: 240, Height: 240, WidthMM: 27.7}},
		{"display-receipt-160x160", receipt, display.Geometry{Width: 160, Height: 160, WidthMM: 34}},
		{"display-status-128x64", screen(display.Forming, ""), display.Geometry{Width: 128, Height: 64, WidthMM: 22, OneBit: true}},
	}
}

// Write draws every sample into a PNG file in a folder that exists.
func Write(dir string) error {
	for _, s := range All() {
		if err := s.write(filepath.Join(dir, s.Name+".png")); err != nil {
			return fmt.Errorf("writing the sample %s: %w", s.Name, err)
		}
	}
	return nil
}

func (s Sample) write(path string) (err error) {
	img, _, err := display.Render(s.Screen, s.Geometry)
	if err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}()
	return (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(f, img)
}
