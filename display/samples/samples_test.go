package samples

import (
	"flag"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/chekomat/chekomat/display"
)

//go:generate go test -run TestDocumentationPictures -update

var update = flag.Bool("update", false, "write the pictures of the documentation anew")

// The pictures of the documentation are what the program draws now. A few
// pixels may differ: the edges of letters are computed in floating point, which
// is not the same on every processor.
func TestDocumentationPictures(t *testing.T) {
	dir := filepath.Join(root(t), "docs", "img")
	if *update {
		if err := Write(dir); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range All() {
		t.Run(s.Name, func(t *testing.T) {
			path := filepath.Join(dir, s.Name+".png")
			f, err := os.Open(path)
			if err != nil {
				t.Fatalf("%v; make the pictures with: go generate ./display/samples", err)
			}
			defer f.Close()
			if info, err := f.Stat(); err != nil || info.Size() > 40_000 {
				t.Errorf("the picture has %d bytes (%v)", info.Size(), err)
			}
			want, err := png.Decode(f)
			if err != nil {
				t.Fatal(err)
			}
			got, r, err := display.Render(s.Screen, s.Geometry)
			if err != nil {
				t.Fatal(err)
			}
			if s.Geometry.Width >= 160 && !r.MayStandForReceipt {
				t.Errorf("a sample panel may not stand for a receipt: %v", r.Why)
			}
			if got.Bounds() != want.Bounds() {
				t.Fatalf("size %v, in the documentation %v", got.Bounds(), want.Bounds())
			}
			n := 0
			for y := range got.Bounds().Dy() {
				for x := range got.Bounds().Dx() {
					r1, g1, b1, _ := got.At(x, y).RGBA()
					r2, g2, b2, _ := want.At(x, y).RGBA()
					if r1 != r2 || g1 != g2 || b1 != b2 {
						n++
					}
				}
			}
			if n*500 > got.Bounds().Dx()*got.Bounds().Dy() {
				t.Errorf("%d pixels differ; make the pictures anew with: go generate ./display/samples", n)
			}
		})
	}
}

// root is the folder of go.mod.
func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if filepath.Dir(dir) == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
}
