package link

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// tap notes when frames of the host pass it.
type tap struct {
	io.ReadWriteCloser
	mu      sync.Mutex
	last    time.Time
	longest time.Duration // between two frames
}

func (p *tap) Write(b []byte) (int, error) {
	p.mu.Lock()
	p.longest = max(p.longest, time.Since(p.last))
	p.last = time.Now()
	p.mu.Unlock()
	return p.ReadWriteCloser.Write(b)
}

func (p *tap) restart() {
	p.mu.Lock()
	p.last, p.longest = time.Now(), 0
	p.mu.Unlock()
}

func (p *tap) silence() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.longest
}

// A host that only reads keeps the outputs as they were set, on a bus that says
// nothing, whatever the time after which they fall; when it is gone, or stops
// reading, they take their safe state.
func TestOutputsHoldWhileTheHostReads(t *testing.T) {
	for _, after := range []uint16{0, 12, 20, 100, 600} { // 0: as after a reset
		for _, ends := range []string{"closed", "stuck"} {
			synctest.Test(t, func(t *testing.T) { holdOutputs(t, after, ends) })
		}
	}
}

func holdOutputs(t *testing.T, after uint16, ends string) {
	patience, safe := safeAfter, uint8(0)
	if after > 0 {
		patience, safe = time.Duration(after)*tenth, 2
	}
	d := device(t, DeviceConfig{Boot: 3, Capabilities: CanListenMDB | HasOutputs})
	a, b := net.Pipe()
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = d.Serve(ctx, a) })
	line := &tap{ReadWriteCloser: b}
	h, err := Connect(ctx, line, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer time.Sleep(gather) // the host's receiver ends
	defer wg.Wait()
	defer a.Close()
	defer h.Close()
	defer stop()
	if after > 0 {
		h.Post(SafeOutputs{Value: safe, After: after})
	}
	h.Post(SetOutputs{Mask: 3, Value: 1})
	for d.State().Outputs != 1 {
		time.Sleep(time.Millisecond)
	}
	line.restart()
	for end := time.Now().Add(10*patience + time.Second); time.Now().Before(end); {
		if b, err := h.Read(ctx); err != nil || len(b.Refused) > 0 {
			t.Fatalf("%+v, %v", b, err)
		}
		if at := d.State().Outputs; at != 1 {
			t.Fatalf("after %s: outputs are %d though the host reads", patience, at)
		}
	}
	if long := line.silence(); long > patience/3 {
		t.Errorf("outputs fall after %s, the host was silent for %s", patience, long)
	}
	if ends == "closed" {
		h.Close()
	}
	time.Sleep(patience / 2)
	if at := d.State().Outputs; at != 1 {
		t.Errorf("half of %s after the host's end: outputs are %d", patience, at)
	}
	time.Sleep(patience/2 + 2*gather) // a frame may lie in front of the device while the host gathers
	if at := d.State().Outputs; at != safe {
		t.Errorf("%s after the host's end: outputs are %d, not the safe %d", patience, at, safe)
	}
}

// A module of 1.0, and one without outputs, take no safe state.
func TestSafeOutputsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		cfg  DeviceConfig
		m    SafeOutputs
		want uint8
	}{
		"without outputs": {DeviceConfig{}, SafeOutputs{1, 10}, StatusUnknown},
		"1.0":             {DeviceConfig{OldMinor: true, Capabilities: HasOutputs}, SafeOutputs{1, 10}, StatusUnknown},
		"a third output":  {DeviceConfig{Capabilities: HasOutputs}, SafeOutputs{4, 10}, StatusValue},
		"at once":         {DeviceConfig{Capabilities: HasOutputs}, SafeOutputs{1, 0}, StatusValue},
		"good":            {DeviceConfig{Capabilities: HasOutputs}, SafeOutputs{3, 1}, StatusOK},
	} {
		c.cfg.Boot = 1
		if got := device(t, c.cfg).Do(c.m); got != c.want {
			t.Errorf("%s: status %d, want %d", name, got, c.want)
		}
	}
}
