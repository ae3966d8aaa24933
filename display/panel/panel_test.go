package panel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/png"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chekomat/chekomat/display"
)

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		address string
		g       display.Geometry
		says    string
	}{
		{"spi://0.0", small, "no driver"},
		{"", small, "no driver"},
		{"png://host/file.png", small, "three slashes"},
		{"png:///", small, "no file"},
		{"png://" + dir + "/missing/a.png", small, "folder"},
		{"png://" + dir + "/a.png", display.Geometry{}, "too small"},
		{"kiosk://256.0.0.1:0/", small, "listening"},
		{"kiosk://127.0.0.1:0/page", small, "root"},
		{"kiosk://127.0.0.1:0/?mirror=maybe", small, "mirror"},
		{"kiosk://127.0.0.1:0/", display.Geometry{Width: 9, Height: 9}, "too small"},
		{"png://%zz", small, "reading the address"},
	} {
		p, err := Open(c.address, c.g)
		if err == nil {
			_ = p.Close()
			t.Errorf("%q was opened", c.address)
		} else if !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: %v, want %q in it", c.address, err, c.says)
		}
	}
}

func TestRegister(t *testing.T) {
	if got := Schemes(); !slices.Contains(got, "png") || !slices.Contains(got, "kiosk") {
		t.Fatalf("schemes %v", got)
	}
	defer func() {
		if recover() == nil {
			t.Error("a second driver for png was taken")
		}
	}()
	Register("png", func(*url.URL, display.Geometry) (Panel, error) { return nil, nil })
}

func TestPNGFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "экран 1.png")
	address := (&url.URL{Scheme: "png", Path: path}).String()
	p, err := Open(address, small)
	if err != nil {
		t.Fatal(err)
	}
	if s := HealthOf(p); s.Alive || s.Why != WhyNothingShown {
		t.Errorf("health before the first screen: %+v", s)
	}
	if err := p.Show(receipt); err != nil {
		t.Fatal(err)
	}
	first, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if first.Mode().Perm() != 0o644 {
		t.Errorf("mode %v: a viewer under another user cannot read it", first.Mode())
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if img, err := png.Decode(bytes.NewReader(data)); err != nil || img.Bounds().Dx() != 240 {
		t.Fatalf("the file holds no picture of the panel: %v", err)
	}
	if r := p.(Reporter).Report(); !r.MayStandForReceipt || r.Symbol == nil {
		t.Errorf("report %+v", r)
	}

	again, err := Open(address, small) // after a restart
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []Panel{p, again} {
		if err := q.Show(receipt); err != nil {
			t.Fatal(err)
		}
	}
	if now, _ := os.Stat(path); !os.SameFile(first, now) {
		t.Error("an unchanged screen was written again")
	}
	if err := p.Show(forming); err != nil {
		t.Fatal(err)
	}
	if now, _ := os.Stat(path); os.SameFile(first, now) {
		t.Error("a new screen was written over the old file, where a reader may see half of it")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := p.Show(forming); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error("a removed picture did not come back")
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
	if s := HealthOf(p); !s.Alive || !s.Confirmed {
		t.Errorf("health %+v", s)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

func TestPNGSaysWhenItCannotWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "sub")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	p, err := OpenPNG(filepath.Join(dir, "a.png"), small)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := p.Show(forming); err == nil {
		t.Error("a picture was written into no folder")
	}
	if s := p.Health(); s.Alive || s.Why != WhyWriteFailed || s.Detail == "" {
		t.Errorf("health %+v", s)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := p.Show(forming); err != nil || !p.Health().Alive {
		t.Errorf("the panel does not recover: %v", err)
	}
}

// fake is a panel that fails as told.
type fake struct {
	err    error
	status Status
	got    []display.Screen
}

func (f *fake) Show(s display.Screen) error   { f.got = append(f.got, s); return f.err }
func (f *fake) Close() error                  { return f.err }
func (f *fake) Health() Status                { return f.status }
func (f *fake) Confirm(context.Context) error { return f.err }

func TestMany(t *testing.T) {
	good := &fake{status: Status{Alive: true, Confirmed: true}}
	dead := &fake{err: errors.New("no light"), status: Status{Why: "dark"}}
	if p := Many(good); p != Panel(good) {
		t.Error("a single panel is wrapped")
	}
	p := Many(good, dead)
	if err := p.Show(forming); !errors.Is(err, dead.err) {
		t.Errorf("a dead panel is hidden by a good one: %v", err)
	}
	if len(good.got) != 1 || len(dead.got) != 1 {
		t.Error("a panel was left out")
	}
	if s := HealthOf(p); s.Alive || s.Confirmed || s.Why != "dark" {
		t.Errorf("health %+v", s)
	}
	if err := p.(Confirmer).Confirm(context.Background()); !errors.Is(err, dead.err) {
		t.Errorf("confirm %v", err)
	}
	if err := p.Close(); !errors.Is(err, dead.err) {
		t.Errorf("close %v", err)
	}
	if s := HealthOf(Many()); s.Alive {
		t.Error("no panels at all count as alive")
	}
	both := Many(good, &fake{status: Status{Alive: true}})
	if s := HealthOf(both); !s.Alive || s.Confirmed {
		t.Errorf("half confirmed: %+v", s)
	}
}

func BenchmarkShowPNG(b *testing.B) {
	for _, g := range []display.Geometry{small, {Width: 800, Height: 480}, {Width: 1280, Height: 800}} {
		b.Run(fmt.Sprintf("%dx%d", g.Width, g.Height), func(b *testing.B) {
			p, err := OpenPNG(filepath.Join(b.TempDir(), "a.png"), g)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			s := receipt
			for b.Loop() {
				s.Amount++
				if err := p.Show(s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
