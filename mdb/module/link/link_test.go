package link

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chekomat/chekomat/mdb"
)

func words(from, n int) []mdb.Word {
	ws := make([]mdb.Word, n)
	for i := range ws {
		k := from + i
		ws[i] = mdb.Word{T: int64(k)*1146 + int64(k/50)*200_000, V: uint16(k) & 0x1FF, Line: mdb.Line(k % 2)}
		if k%97 == 0 {
			ws[i].Flags = mdb.FramingError
		}
	}
	return ws
}

// pair starts serving d over a pipe and connects a host, inside a bubble of
// virtual time: nobody is late for the other.
func pair(t *testing.T, d *Device, boot, next uint64) *Host {
	t.Helper()
	a, b := net.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = d.Serve(ctx, a) })
	t.Cleanup(func() {
		cancel()
		a.Close()
		b.Close()
		wg.Wait()
		time.Sleep(gather) // the host's receiver ends
	})
	h, err := Connect(ctx, b, boot, next)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

// collect reads until n words are there.
func collect(t *testing.T, h *Host, n int) (ws []mdb.Word, notes []string, last Batch) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for len(ws) < n {
		b, err := h.Read(ctx)
		if err != nil {
			t.Fatalf("after %d of %d words: %v", len(ws), n, err)
		}
		if b.Lost {
			notes = append(notes, b.Note)
		}
		ws = append(ws, b.Words...)
		last = b
	}
	return ws, notes, last
}

func device(t *testing.T, cfg DeviceConfig) *Device {
	t.Helper()
	d, err := NewDevice(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestHostGetsWhatTheDeviceHeard(t *testing.T) { synctest.Test(t, hostGetsWhatTheDeviceHeard) }

func hostGetsWhatTheDeviceHeard(t *testing.T) {
	d := device(t, DeviceConfig{Boot: 7})
	all := words(0, 3000)
	d.Feed(all[:1000]...)
	h := pair(t, d, 0, 0)
	go d.Feed(all[1000:]...)
	got, notes, last := collect(t, h, len(all))
	if !slices.Equal(got, all) || len(notes) != 0 {
		t.Fatalf("words differ, notes %q", notes)
	}
	if last.Boot != 7 || last.Next != 3000 {
		t.Fatalf("position %d/%d", last.Boot, last.Next)
	}
}

func TestResumeGoesOnWhereTheHostLeft(t *testing.T) { synctest.Test(t, resumeGoesOnWhereTheHostLeft) }

func resumeGoesOnWhereTheHostLeft(t *testing.T) {
	d := device(t, DeviceConfig{Boot: 7})
	all := words(0, 900)
	d.Feed(all[:500]...)
	h := pair(t, d, 0, 0)
	got, _, _ := collect(t, h, 500)
	if err := h.Keep(7, 300); err != nil {
		t.Fatal(err)
	}
	got = got[:400] // what was durable when the host died
	h.Close()
	d.Feed(all[500:]...)
	h = pair(t, d, 7, 400)
	more, notes, _ := collect(t, h, 500)
	if !slices.Equal(append(got, more...), all) || len(notes) != 0 {
		t.Fatalf("words differ, notes %q", notes)
	}
}

func TestKeepLetsTheDeviceForget(t *testing.T) { synctest.Test(t, keepLetsTheDeviceForget) }

func keepLetsTheDeviceForget(t *testing.T) {
	d := device(t, DeviceConfig{Boot: 7, Limit: 600})
	d.Feed(words(0, 500)...)
	h := pair(t, d, 0, 0)
	collect(t, h, 500)
	if err := h.Keep(7, 450); err != nil {
		t.Fatal(err)
	}
	// Frames are handled in order: the answer to a PING follows the KEEP.
	if err := h.Send(Ping{1}); err != nil {
		t.Fatal(err)
	}
	d.Feed(words(500, 100)...)
	collect(t, h, 100)
	for s := d.State(); s.Kept != 450; s = d.State() {
		if _, err := h.Read(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if s := d.State(); s.Oldest != 450 || s.Overrun != 0 {
		t.Fatalf("%+v", s)
	}
}

func TestOverrunIsTold(t *testing.T) { synctest.Test(t, overrunIsTold) }

func overrunIsTold(t *testing.T) {
	d := device(t, DeviceConfig{Boot: 7, Limit: 100})
	all := words(0, 1000)
	d.Feed(all...)
	h := pair(t, d, 7, 10)
	got, notes, _ := collect(t, h, 100)
	if !slices.Equal(got, all[900:]) || len(notes) != 1 || notes[0] != "ring overrun: 890 words lost" {
		t.Fatalf("%d words, notes %q", len(got), notes)
	}
}

func TestRestartIsTold(t *testing.T) { synctest.Test(t, restartIsTold) }

func restartIsTold(t *testing.T) {
	d := device(t, DeviceConfig{Boot: 8})
	d.Feed(words(0, 10)...)
	h := pair(t, d, 7, 5000)
	_, notes, last := collect(t, h, 10)
	if len(notes) != 1 || notes[0] != "module restarted" || last.Boot != 8 || last.Next != 10 {
		t.Fatalf("notes %q, %+v", notes, last)
	}
}

func TestSilenceIsTold(t *testing.T) { synctest.Test(t, silenceIsTold) }

func silenceIsTold(t *testing.T) {
	d := device(t, DeviceConfig{Boot: 7})
	d.Feed(words(0, 4)...)
	h := pair(t, d, 0, 0)
	collect(t, h, 4)
	d.Advance(5_000_000)
	for {
		b, err := h.Read(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if b.Now == 5_000_000 {
			return
		}
	}
}

func TestOldModule(t *testing.T) { synctest.Test(t, oldModule) }

func oldModule(t *testing.T) {
	d := device(t, DeviceConfig{Boot: 7, OldMinor: true})
	d.Feed(words(0, 10)...)
	h := pair(t, d, 3, 5)
	if h.Hello().Minor != 0 {
		t.Fatalf("%+v", h.Hello())
	}
	all := words(10, 200)
	// What a 1.0 module heard before the host was there is gone.
	go d.Feed(all...)
	got, notes, _ := collect(t, h, 200)
	if len(notes) != 1 || len(got) != 200 {
		t.Fatalf("%d words, notes %q", len(got), notes)
	}
	for i := range got {
		if got[i].V != all[i].V || got[i].T-got[0].T != all[i].T-all[0].T {
			t.Fatalf("word %d: %+v, want %+v", i, got[i], all[i])
		}
	}
}

func TestOtherMajorIsRefused(t *testing.T) { synctest.Test(t, otherMajorIsRefused) }

func otherMajorIsRefused(t *testing.T) {
	defer time.Sleep(gather) // the host's receiver ends
	a, b := net.Pipe()
	defer a.Close()
	go func() {
		wire, _ := AppendMessage(nil, 0, Hello{Major: 2})
		buf := make([]byte, 64)
		if _, err := a.Read(buf); err == nil {
			_, _ = a.Write(wire)
		}
	}()
	if _, err := Connect(context.Background(), b, 0, 0); !errors.Is(err, ErrVersion) {
		t.Fatalf("%v", err)
	}
}

// lossy drops and damages frames on their way to the host, and holds some up for
// longer than the host waits before it asks again.
type lossy struct {
	net.Conn
	rnd *rand.Rand
}

func (l lossy) Write(p []byte) (int, error) {
	switch l.rnd.IntN(12) {
	case 0:
		return len(p), nil
	case 1:
		q := slices.Clone(p)
		q[l.rnd.IntN(len(q))] ^= 1 << l.rnd.IntN(8)
		_, err := l.Conn.Write(q)
		return len(p), err
	case 2, 3:
		time.Sleep(time.Duration(l.rnd.Int64N(int64(3 * askAgain))))
	}
	return l.Conn.Write(p)
}

// Each word comes once and in order, whatever is lost or late: a module that
// answers a repeated RESUME twice does not lead the host back.
func TestLostFramesAreAskedForAgain(t *testing.T) {
	for seed := range uint64(40) {
		synctest.Test(t, func(t *testing.T) { lostFramesAreAskedForAgain(t, seed) })
	}
}

func lostFramesAreAskedForAgain(t *testing.T, seed uint64) {
	defer time.Sleep(gather) // the host's receiver ends
	d := device(t, DeviceConfig{Boot: 7})
	all := words(0, 1500)
	a, b := net.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = d.Serve(ctx, lossy{a, rand.New(rand.NewPCG(seed, 2))}) })
	defer wg.Wait()
	defer a.Close()
	defer cancel()
	h, err := Connect(ctx, b, 0, 0)
	if err != nil {
		return // no answer to three greetings came through: the owner connects again
	}
	defer h.Close()
	d.Feed(all...)
	got, notes, _ := collect(t, h, len(all))
	if !slices.Equal(got, all) || len(notes) != 0 {
		t.Fatalf("seed %d: %d words, notes %q", seed, len(got), notes)
	}
}

func TestNewHostTakesOver(t *testing.T) { synctest.Test(t, newHostTakesOver) }

func newHostTakesOver(t *testing.T) {
	d := device(t, DeviceConfig{Boot: 7})
	d.Feed(words(0, 10)...)
	h1 := pair(t, d, 0, 0)
	collect(t, h1, 10)
	h2 := pair(t, d, 0, 0)
	collect(t, h2, 10)
	for {
		if _, err := h1.Read(context.Background()); err != nil {
			return
		}
	}
}

func TestHostChecksAbsence(t *testing.T) {
	a, b := net.Pipe()
	a.Close()
	if _, err := Connect(context.Background(), b, 0, 0); err == nil {
		t.Fatal("connected to nobody")
	}
}
