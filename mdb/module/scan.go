package module

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.bug.st/serial"
	"go.bug.st/serial/enumerator"

	"github.com/chekomat/chekomat/mdb/module/link"
)

// Found is a serial port and what answered on it.
type Found struct {
	Port    string `json:"port"`
	USB     string `json:"usb,omitempty"`     // vid:pid and product, where known
	Kind    string `json:"kind"`              // chekomat, qibixx, busy, silent, other, error
	Name    string `json:"name,omitempty"`    // what it says of itself
	Speaks  bool   `json:"speaks"`            // can play a peripheral
	Replays bool   `json:"replays"`           // keeps words while nobody listens
	URL     string `json:"url,omitempty"`     // for the configuration
	Problem string `json:"problem,omitempty"` // why nothing is known
}

// Kinds of Found.
const (
	KindChekomat = "chekomat"
	KindQibixx   = "qibixx"
	KindOther    = "other"  // says something nobody knows
	KindSilent   = "silent" // answers nothing
	KindBusy     = "busy"   // another program has it
	KindError    = "error"
)

// Scan asks every serial port of this computer what is plugged in, some seconds
// a port; only names given are asked where there are any. What it asks changes
// nothing on the bus: HELLO of our link, V of Qibixx. Ports in use are left
// alone.
func Scan(ctx context.Context, ports ...string) ([]Found, error) {
	list, err := candidates(ports)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if ctx.Err() != nil {
			return list[:i], ctx.Err()
		}
		probe(ctx, &list[i])
	}
	return list, nil
}

func candidates(ports []string) ([]Found, error) {
	var list []Found
	details, err := enumerator.GetDetailedPortsList()
	if err != nil && len(ports) == 0 {
		return nil, fmt.Errorf("list serial ports: %w", err)
	}
	known := map[string]string{}
	for _, d := range details {
		usb := ""
		if d.IsUSB {
			usb = strings.TrimSpace(strings.ToLower(d.VID+":"+d.PID) + " " + d.Product)
		}
		known[d.Name] = usb
		if len(ports) == 0 {
			list = append(list, Found{Port: d.Name, USB: usb})
		}
	}
	for _, p := range ports {
		list = append(list, Found{Port: p, USB: known[p]})
	}
	return list, nil
}

// probe names what is at one port.
func probe(ctx context.Context, f *Found) {
	f.Kind = KindSilent
	if held(f.Port) {
		f.Kind = KindBusy
		return
	}
	for _, try := range []struct {
		baud int
		ask  func(context.Context, io.ReadWriteCloser, *Found) bool
	}{{460800, askChekomat}, {115200, askQibixx}} {
		p, err := serial.Open(f.Port, &serial.Mode{BaudRate: try.baud})
		if err != nil {
			f.Kind, f.Problem = KindError, err.Error()
			if e := new(serial.PortError); errors.As(err, &e) && e.Code() == serial.PortBusy {
				f.Kind = KindBusy
			}
			return
		}
		if try.ask(ctx, p, f) {
			return
		}
	}
}

// held reports whether a program has the port open, as far as /proc tells.
// Opening it exclusively is not enough: a superuser's open succeeds all the
// same and would take words from a running agent.
func held(port string) bool {
	real, err := filepath.EvalSymlinks(port)
	if err != nil {
		return false
	}
	fds, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return false
	}
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && to == real {
			return true
		}
	}
	return false
}

// askChekomat sends HELLO_REQ; it closes rw.
func askChekomat(ctx context.Context, rw io.ReadWriteCloser, f *Found) bool {
	h, err := link.Greet(ctx, rw)
	if err != nil {
		if errors.Is(err, link.ErrVersion) {
			f.Kind, f.Problem = KindChekomat, err.Error()
			return true
		}
		return false
	}
	f.Kind = KindChekomat
	f.Name = fmt.Sprintf("id %X, firmware %d.%d.%d, link %d.%d", h.ID, h.FwMajor, h.FwMinor, h.Patch, h.Major, h.Minor)
	f.Speaks, f.Replays = h.Capabilities&link.CanSpeakMDB != 0, h.Minor >= 1
	f.URL = (&url.URL{Scheme: "chekomat", Path: f.Port}).String()
	return true
}

// askQibixx sends V and waits for "v,<firmware>,<id>"; it closes rw.
func askQibixx(ctx context.Context, rw io.ReadWriteCloser, f *Found) bool {
	heard := make(chan string, 1)
	defer rw.Close()
	if _, err := rw.Write([]byte("\nV\n")); err != nil {
		return false
	}
	go func() {
		var all []byte
		buf := make([]byte, 256)
		for len(all) < 4096 {
			n, err := rw.Read(buf)
			all = append(all, buf[:n]...)
			if v, ok := qibixxVersion(string(all)); ok {
				heard <- v
				return
			}
			if err != nil || n == 0 {
				break
			}
		}
		if len(all) > 0 {
			f := string(all[:min(len(all), 24)])
			heard <- fmt.Sprintf("?%q", f)
		}
		close(heard)
	}()
	t := time.NewTimer(askWait)
	defer t.Stop()
	closing := false
	for {
		select {
		case <-ctx.Done():
			return false
		case <-t.C:
			if closing {
				return false
			}
			// What came so far is told once the port closes.
			closing = true
			rw.Close()
			t.Reset(askWait)
		case v, ok := <-heard:
			switch {
			case !ok:
				return false
			case strings.HasPrefix(v, "?"):
				f.Kind, f.Name = KindOther, v[1:]
				return true
			}
			f.Kind, f.Name = KindQibixx, v
			f.URL = (&url.URL{Scheme: "qibixx", Path: f.Port, RawQuery: "mode=sniff"}).String()
			return true
		}
	}
}

const askWait = 700 * time.Millisecond

// qibixxVersion finds a whole line v,<firmware>,<cpu id>.
func qibixxVersion(text string) (string, bool) {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "v,") && strings.HasSuffix(line, "\n") {
			parts := strings.Split(strings.TrimSpace(line), ",")
			if len(parts) >= 2 && parts[1] != "" {
				return "firmware " + strings.Join(parts[1:], ", "), true
			}
		}
	}
	return "", false
}
