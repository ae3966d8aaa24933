package panel

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/chekomat/chekomat/display"
)

func init() {
	Register("png", func(u *url.URL, g display.Geometry) (Panel, error) {
		path := u.Path
		switch {
		case u.Opaque != "":
			var err error
			if path, err = url.PathUnescape(u.Opaque); err != nil {
				return nil, fmt.Errorf("reading the file name: %w", err)
			}
		case u.Host != "":
			return nil, fmt.Errorf("a file needs three slashes: png:///%s%s", u.Host, u.Path)
		}
		return OpenPNG(path, g)
	})
}

// PNG keeps a file that always holds the current screen, whole: readers never
// see half a picture, and a screen that looks the same is not written again,
// which spares flash memory.
type PNG struct {
	path string
	g    display.Geometry

	mu     sync.Mutex
	last   []byte
	report display.Report
	err    error
	seen   time.Time
	shown  bool
}

var (
	_ Panel    = (*PNG)(nil)
	_ Health   = (*PNG)(nil)
	_ Reporter = (*PNG)(nil)
)

// OpenPNG prepares a file panel. The folder must exist; the file need not.
func OpenPNG(path string, g display.Geometry) (*PNG, error) {
	if path == "" || path == "/" {
		return nil, errors.New("the address names no file")
	}
	report, err := display.Assess(g)
	if err != nil {
		return nil, err
	}
	dir, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("looking for the folder of the picture: %w", err)
	}
	if !dir.IsDir() {
		return nil, fmt.Errorf("%s is no folder", filepath.Dir(path))
	}
	last, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("reading the present picture: %w", err)
	}
	return &PNG{path: path, g: g, last: last, report: report}, nil
}

// Show draws a screen and replaces the file.
func (p *PNG) Show(s display.Screen) error {
	img, report, err := display.Render(s, p.g)
	if err != nil {
		return err
	}
	data, err := encode(img)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.report, p.shown = report, true
	p.err = p.replace(data)
	if p.err == nil {
		p.seen = time.Now()
	}
	return p.err
}

func (p *PNG) replace(data []byte) error {
	if bytes.Equal(data, p.last) {
		if _, err := os.Stat(p.path); err == nil {
			return nil
		}
	}
	f, err := os.CreateTemp(filepath.Dir(p.path), ".screen-*.png")
	if err != nil {
		return fmt.Errorf("making a file beside %s: %w", p.path, err)
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), p.path)
	}
	if err != nil {
		return fmt.Errorf("replacing the picture %s: %w", p.path, errors.Join(err, os.Remove(f.Name())))
	}
	p.last = data
	return nil
}

// Close leaves the last picture where it is.
func (p *PNG) Close() error { return nil }

// Report is that of the last screen.
func (p *PNG) Report() display.Report {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.report
}

// Health is that of the last write.
func (p *PNG) Health() Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.err != nil:
		return Status{Why: WhyWriteFailed, Detail: p.err.Error(), Seen: p.seen}
	case !p.shown:
		return Status{Why: WhyNothingShown}
	}
	return Status{Alive: true, Confirmed: true, Seen: p.seen}
}

// No buffers are kept from one screen to the next: the compressor's tables are a
// megabyte, and screens are seconds apart.
var encoder = png.Encoder{CompressionLevel: png.BestSpeed}

func encode(img image.Image) ([]byte, error) {
	var b bytes.Buffer
	if err := encoder.Encode(&b, img); err != nil {
		return nil, fmt.Errorf("encoding a picture of %v: %w", img.Bounds(), err)
	}
	return b.Bytes(), nil
}
