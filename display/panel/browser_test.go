package panel

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/chekomat/chekomat/display"
)

// browser drives a headless Chromium through its DevTools socket.
type browser struct {
	t    *testing.T
	conn *websocket.Conn
	id   int
}

// patience bounds a wait that normally takes well under a second.
const patience = 60 * time.Second

func startBrowser(t *testing.T) *browser {
	t.Helper()
	var path string
	for _, name := range []string{os.Getenv("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); name != "" && err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("Chromium absent: the kiosk page is not tried in a real browser (set CHROMIUM to its path)")
	}
	cmd := exec.Command(path, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--remote-debugging-port=0", "--user-data-dir="+t.TempDir(), "--hide-scrollbars", "about:blank")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // it may have ended by itself
		_ = cmd.Wait()                                      // killed
		<-ended
	})
	socket := make(chan string, 1)
	go func() {
		defer close(ended)
		in := bufio.NewScanner(stderr)
		for in.Scan() {
			if _, at, ok := strings.Cut(in.Text(), "DevTools listening on "); ok {
				socket <- at
			}
		}
	}()
	var at string
	select {
	case at = <-socket:
	case <-ended:
		t.Skip("Chromium does not start here: the kiosk page is not tried in a real browser")
	case <-time.After(patience):
		t.Fatal("Chromium opens no DevTools socket")
	}
	b := &browser{t: t}
	b.dial(at)
	var target struct {
		TargetID string `json:"targetId"`
	}
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	b.conn.Close()
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/devtools/page/" + target.TargetID
	b.dial(u.String())
	t.Cleanup(func() { b.conn.Close() })
	return b
}

func (b *browser) dial(at string) {
	b.t.Helper()
	conn, _, err := websocket.DefaultDialer.Dial(at, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(10 * patience)) // a fresh connection
	b.conn = conn
}

func (b *browser) call(method string, params, result any) {
	b.t.Helper()
	b.id++
	if err := b.conn.WriteJSON(map[string]any{"id": b.id, "method": method, "params": params}); err != nil {
		b.t.Fatal(err)
	}
	for {
		var answer struct {
			ID     int
			Result json.RawMessage
			Error  *struct{ Message string }
		}
		if err := b.conn.ReadJSON(&answer); err != nil {
			b.t.Fatalf("%s: %v", method, err)
		}
		if answer.ID != b.id {
			continue // an event
		}
		if answer.Error != nil {
			b.t.Fatalf("%s: %s", method, answer.Error.Message)
		}
		if result != nil {
			if err := json.Unmarshal(answer.Result, result); err != nil {
				b.t.Fatal(err)
			}
		}
		return
	}
}

// viewport sets CSS pixels and device pixels per CSS pixel.
func (b *browser) viewport(w, h int, ratio float64) {
	b.t.Helper()
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": w, "height": h, "deviceScaleFactor": ratio, "mobile": false}, nil)
}

func (b *browser) glass() image.Image {
	b.t.Helper()
	var shot struct{ Data string }
	b.call("Page.captureScreenshot", map[string]any{"format": "png"}, &shot)
	data, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		b.t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		b.t.Fatal(err)
	}
	return img
}

// until asks the page until an expression is true.
func (b *browser) until(expression string) {
	b.t.Helper()
	end := time.Now().Add(patience)
	for {
		var got struct {
			Result struct{ Value any }
		}
		b.call("Runtime.evaluate", map[string]any{
			"expression":   fmt.Sprintf("new Promise(r => setTimeout(() => r(!!(%s)), 50))", expression),
			"awaitPromise": true, "returnByValue": true,
		}, &got)
		if got.Result.Value == true {
			return
		}
		if time.Now().After(end) {
			b.t.Fatalf("the page never came to %s", expression)
		}
	}
}

// What stands on the glass is, pixel for pixel, what Render drew, at whole and
// at broken pixel ratios; so a phone reads the code from it.
func TestKioskInARealBrowser(t *testing.T) {
	b := startBrowser(t)
	p, err := Open("kiosk://127.0.0.1:0/", display.Geometry{Width: 800, Height: 480, WidthMM: 154})
	if err != nil {
		t.Fatal(err)
	}
	k := p.(*Kiosk)
	defer func() { _ = k.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), 4*patience)
	defer cancel()

	b.viewport(800, 480, 1)
	_ = k.Show(forming) // the page is not open yet
	b.call("Page.navigate", map[string]any{"url": k.URL()}, nil)
	if err := k.Confirm(ctx); err != nil {
		t.Fatal(err)
	}
	if s := k.Health(); !s.Alive || !s.Confirmed {
		t.Fatalf("health with an open page: %+v", s)
	}
	for i, v := range []struct {
		w, h  int
		ratio float64
	}{{800, 480, 1}, {480, 320, 2}, {320, 240, 1.25}, {240, 320, 1.5}, {160, 160, 1}} {
		b.viewport(v.w, v.h, v.ratio)
		s := receipt
		s.Amount = int64(8500 + i)
		if err := k.Show(s); err != nil {
			t.Fatal(err)
		}
		if err := k.Confirm(ctx); err != nil {
			t.Fatal(err)
		}
		w, h := int(float64(v.w)*v.ratio), int(float64(v.h)*v.ratio)
		b.until(fmt.Sprintf("have.w === %d && have.h === %d && have.n === want.n", w, h))
		want, report, err := display.Render(s, k.geometry(w, h))
		if err != nil {
			t.Fatal(err)
		}
		got := b.glass()
		if got.Bounds().Dx() != w || got.Bounds().Dy() != h {
			t.Fatalf("the glass is %v, want %d × %d", got.Bounds(), w, h)
		}
		if n := differing(want, got); n != 0 {
			t.Errorf("%v: %d pixels on the glass are not as rendered", v, n)
		}
		bits, err := gozxing.NewBinaryBitmapFromImage(got)
		if err != nil {
			t.Fatal(err)
		}
		res, err := qrcode.NewQRCodeReader().Decode(bits, nil)
		if err != nil {
			t.Fatalf("%v: the code on the glass is not read: %v", v, err)
		}
		if res.GetText() != qr {
			t.Errorf("%v: read %q", v, res.GetText())
		}
		if r := k.Report(); !r.MayStandForReceipt && len(report.Why) == 0 {
			t.Errorf("%v: report %+v", v, r)
		}
	}

	// The device goes and comes back at the same address.
	b.viewport(480, 320, 1)
	if err := k.Show(forming); err != nil {
		t.Fatal(err)
	}
	if err := k.Confirm(ctx); err != nil {
		t.Fatal(err)
	}
	addr := k.Addr().(*net.TCPAddr)
	_ = k.Close()
	b.until("!lost.hidden")
	next, err := Open(fmt.Sprintf("kiosk://%s/", addr), display.Geometry{Width: 480, Height: 320})
	if err != nil {
		t.Fatal(err)
	}
	k = next.(*Kiosk)
	_ = k.Show(receipt) // the page has not come back yet
	if err := k.Confirm(ctx); err != nil {
		t.Fatal(err)
	}
	b.until("lost.hidden && body.dataset.link === 'live' && body.dataset.state === 'receipt'")
}

func differing(a, b image.Image) int {
	n := 0
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			r, g, bl, _ := a.At(x, y).RGBA()
			r2, g2, bl2, _ := b.At(b.Bounds().Min.X+x, b.Bounds().Min.Y+y).RGBA()
			if r != r2 || g != g2 || bl != bl2 {
				n++
			}
		}
	}
	return n
}
