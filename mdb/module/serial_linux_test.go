package module_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/module"
	"github.com/chekomat/chekomat/mdb/module/link"
	"github.com/chekomat/chekomat/mdb/role"
	"github.com/chekomat/chekomat/mdb/sales"
)

// limited guards against hanging; no machine is so slow that it decides.
func limited(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// open connects as the agent does: again, when the module was too slow to greet.
func open(t *testing.T, ctx context.Context, address string, from module.Cursor) module.Source {
	t.Helper()
	for {
		src, err := module.Open(ctx, address, from, module.Options{})
		if err == nil {
			return src
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}

// plug plays a module at a new port until it is pulled.
func plug(t *testing.T, d *link.Device, noisy bool) (port string, pull func()) {
	t.Helper()
	f, port := pty(t)
	var rw io.ReadWriteCloser = f
	if noisy {
		rw = &noise{File: f}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = d.Serve(ctx, rw) }()
	pull = func() { cancel(); f.Close(); <-done }
	t.Cleanup(pull)
	return port, pull
}

// noise damages some of what the module writes, as a bad cable does: bytes
// changed, lost, or added.
type noise struct {
	*os.File
	n int
}

func (w *noise) Write(p []byte) (int, error) {
	w.n++
	q := bytes.Clone(p)
	if w.n > 3 {
		switch at := w.n % len(q); w.n % 11 {
		case 3:
			q[at] ^= 0x10
		case 6:
			q = slices.Delete(q, at, at+1)
		case 9:
			q = slices.Insert(q, at, 0x55, 0, 0x7F)
		}
	}
	_, err := w.File.Write(q)
	return len(p), err
}

func device(t *testing.T, cfg link.DeviceConfig) *link.Device {
	t.Helper()
	d, err := link.NewDevice(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// take reads until n words are there or the source breaks.
func take(t *testing.T, ctx context.Context, src module.Source, n int) (ws []mdb.Word, c module.Chunk, notes []string) {
	t.Helper()
	for len(ws) < n {
		got, err := src.Read(ctx)
		if err != nil {
			t.Fatalf("after %d of %d words: %v", len(ws), n, err)
		}
		c = got
		ws = append(ws, c.Words...)
		if c.Lost {
			notes = append(notes, c.Note)
		}
	}
	return ws, c, notes
}

func TestModuleOnASerialPort(t *testing.T) {
	ctx := limited(t)
	words := machine(20)
	d := device(t, link.DeviceConfig{Boot: 5})
	port, pull := plug(t, d, false)
	src := open(t, ctx, "chekomat://"+port, module.Cursor{})
	half := len(words) / 2
	d.Feed(words[:half]...)
	got, c, _ := take(t, ctx, src, half)
	// Unplugged: the source says so; plugged in elsewhere it goes on where it was.
	pull()
	d.Feed(words[half:]...)
	for err := error(nil); err == nil; {
		_, err = src.Read(ctx)
	}
	if ctx.Err() != nil {
		t.Fatal("nobody noticed that the module is gone")
	}
	src.Close()
	if _, err := module.Open(ctx, "chekomat://"+port, c.Next, module.Options{}); err == nil {
		t.Fatal("opened a port that is not there")
	}
	port, _ = plug(t, d, false)
	src = open(t, ctx, "chekomat://"+port, c.Next)
	defer src.Close()
	more, _, notes := take(t, ctx, src, len(words)-half)
	if !slices.Equal(append(got, more...), words) || len(notes) != 0 {
		t.Fatalf("words differ; notes %q", notes)
	}
}

func TestModuleResetBetweenConnectionsIsALoss(t *testing.T) {
	ctx := limited(t)
	d := device(t, link.DeviceConfig{Boot: 6})
	port, _ := plug(t, d, false)
	d.Feed(machine(1)...)
	src := open(t, ctx, "chekomat://"+port, module.Cursor{Boot: 5, Seq: 10})
	defer src.Close()
	_, c, notes := take(t, ctx, src, 1)
	if len(notes) != 1 || notes[0] != "module restarted" || c.Next.Boot != 6 {
		t.Fatalf("%q, %+v", notes, c.Next)
	}
}

// Whatever the cable does to frames, each word comes once and in order.
func TestNoiseOnTheCable(t *testing.T) {
	ctx := limited(t)
	d := device(t, link.DeviceConfig{Boot: 5})
	port, _ := plug(t, d, true)
	src := open(t, ctx, "chekomat://"+port, module.Cursor{})
	defer src.Close()
	words := machine(40)
	go func() {
		for i := 0; i < len(words); i += 30 {
			d.Feed(words[i:min(i+30, len(words))]...)
			select {
			case <-ctx.Done():
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	}()
	got, _, notes := take(t, ctx, src, len(words))
	if !slices.Equal(got, words) || len(notes) != 0 {
		t.Fatalf("%d words of %d; notes %q", len(got), len(words), notes)
	}
}

func TestOnlyTheMachinesLineIsWired(t *testing.T) {
	port, _ := plug(t, device(t, link.DeviceConfig{Boot: 5}), false)
	if _, err := module.Open(limited(t), "chekomat://"+port+"?lines=some", module.Cursor{}, module.Options{}); err == nil {
		t.Fatal("opened")
	}
	port, _ = plug(t, device(t, link.DeviceConfig{Boot: 5}), false)
	src := open(t, limited(t), "chekomat://"+port+"?lines=master", module.Cursor{})
	defer src.Close()
	if f := src.Fidelity(); f.BothLines || !f.Checksums {
		t.Fatalf("%+v", f)
	}
}

func TestNothingAnswersOnThePort(t *testing.T) {
	_, port := pty(t)
	if _, err := module.Open(limited(t), "chekomat://"+port, module.Cursor{}, module.Options{}); err == nil {
		t.Fatal("opened")
	}
}

// adapterAt plays an adapter of text: what the source says comes line by line.
func adapterAt(t *testing.T, address string, from module.Cursor) (f *os.File, said *bufio.Reader, src module.Source) {
	t.Helper()
	f, port := pty(t)
	src, err := module.Open(limited(t), strings.Replace(address, "PORT", port, 1), from, module.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { src.Close() })
	return f, bufio.NewReader(f), src
}

func say(t *testing.T, f io.Writer, lines ...string) {
	t.Helper()
	for _, l := range lines {
		if _, err := io.WriteString(f, l+"\n"); err != nil {
			t.Fatal(err)
		}
	}
}

func hears(t *testing.T, r *bufio.Reader, want ...string) {
	t.Helper()
	for _, w := range want {
		if got, err := r.ReadString('\n'); err != nil || got != w+"\n" {
			t.Fatalf("heard %q, %v; want %q", got, err, w)
		}
	}
}

// recovered reads until an event of the kind comes.
func recovered(t *testing.T, src module.Source, kind sales.Kind) sales.Event {
	t.Helper()
	ctx := limited(t)
	r := sales.New(sales.ForSource(src.Fidelity()))
	for {
		c, err := src.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var evs []sales.Event
		if c.Lost {
			evs = append(evs, r.Lost(c.Note)...)
		}
		for _, w := range c.Words {
			evs = append(evs, r.Word(w)...)
		}
		for _, e := range append(evs, r.Advance(c.Now)...) {
			if e.Kind == kind {
				return e
			}
		}
	}
}

func TestQibixxSniffs(t *testing.T) {
	f, said, src := adapterAt(t, "qibixx://PORT?mode=sniff", module.Cursor{})
	hears(t, said, "V", "X,1")
	if fd := src.Fidelity(); fd.ModeBits || fd.Checksums || fd.Times || !fd.BothLines {
		t.Errorf("%+v", fd)
	}
	say(t, f, "v,5.0.0,1234", "x,1",
		"x,00,0000010000,11,0002000000", "x,80,0000010100,0102164301020500", "x,00,0000010200,ACK",
		"x,00,0000011000,13,0011940007", "x,80,0000011100,ACK",
		"x,00,0000012000,12", "x,80,0000012100,051194", "x,00,0000012200,ACK",
		"x,00,0000013000,13,020007", "x,80,0000013100,ACK")
	e := recovered(t, src, sales.KindSale)
	if minor, ok := e.Amount.Minor(); !ok || minor != 4500 || e.Item != 7 || e.Class != sales.ClassB {
		t.Fatalf("%+v", e)
	}
}

func TestQibixxDamagedLineIsALoss(t *testing.T) {
	for _, bad := range []string{"x,04,0000011000,13,0011940007", "x,00,0000011000,13,00119400", "x,00,00zz", "x,00,000001x000,13,00"} {
		f, said, src := adapterAt(t, "qibixx://PORT", module.Cursor{})
		hears(t, said, "V", "X,1")
		say(t, f, "x,00,0000010000,12", "x,80,0000010100,ACK", bad)
		ctx := limited(t)
		for lost := false; !lost; {
			c, err := src.Read(ctx)
			if err != nil {
				t.Fatalf("%q: %v", bad, err)
			}
			lost = c.Lost
			if bad == "x,00,0000011000,13,00119400" && len(c.Words) > 0 {
				break // whole bytes: a shorter block is no damage the adapter could show
			}
		}
	}
}

func TestQibixxClockGoesBack(t *testing.T) {
	f, _, src := adapterAt(t, "qibixx://PORT", module.Cursor{})
	ctx := limited(t)
	say(t, f, "x,00,9999999000,12", "x,80,9999999100,ACK")
	a, _, _ := take(t, ctx, src, 3)
	say(t, f, "x,00,0000000100,12", "x,80,0000000200,ACK")
	b, _, _ := take(t, ctx, src, 3)
	if b[0].T <= a[2].T {
		t.Fatalf("%d after %d", b[0].T, a[2].T)
	}
}

func TestQibixxReads(t *testing.T) {
	f, said, src := adapterAt(t, "qibixx://PORT?mode=reader&address=60&currency=1643&vend=approve", module.Cursor{})
	hears(t, said, "V", "C,1")
	say(t, f, "c,STATUS,INACTIVE", "r,ACK", "c,STATUS,DISABLED", "c,STATUS,ENABLED", "c,STATUS,VEND,45.00,12")
	go func() {
		hears(t, said, "C,VEND,45.00")
		say(t, f, "c,VEND,SUCCESS", "c,STATUS,IDLE", "c,STATUS,ENABLED")
	}()
	e := recovered(t, src, sales.KindSale)
	if minor, ok := e.Amount.Minor(); !ok || minor != 4500 || e.Item != 12 || e.Reader != 0x60 || e.Class != sales.ClassB {
		t.Fatalf("%+v", e)
	}
}

func TestAnAdapterHasNoMemory(t *testing.T) {
	f, _, src := adapterAt(t, "qibixx://PORT", module.Cursor{Boot: 3, Seq: 4})
	say(t, f, "x,00,0000010000,12")
	if c, err := src.Read(limited(t)); err != nil || !c.Lost {
		t.Fatalf("%+v, %v", c, err)
	}
}

// Our reader behind a Waferstar box: set up by the VMC, told of a cash sale.
func TestWaferstarPlaysOurReader(t *testing.T) {
	f, port := pty(t)
	src, err := module.Open(limited(t), "waferstar://"+port+"?address=10", module.Cursor{}, module.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := role.NewReader(role.ReaderSettings{Device: mdb.Cashless1})
	if err != nil {
		t.Fatal(err)
	}
	cast, err := role.NewCast(r)
	if err != nil {
		t.Fatal(err)
	}
	if src, err = cast.Play(src); err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	say(t, f, "10 10", "11 00 02 10 02 01 26", "11 01 FF FF 00 00 10", "14 01 15", "13 05 11 94 00 0C C9")
	e := recovered(t, src, sales.KindSale)
	if minor, ok := e.Amount.Minor(); !ok || minor != 4500 || e.Item != 12 || e.Source != "cash_sale" || e.Class != sales.ClassB {
		t.Fatalf("%+v", e)
	}
	want := []byte{0, 0, 1, 1, 0x16, 0x43, 1, 2, 30, 8, 0x84}
	got := make([]byte, len(want))
	if _, err := io.ReadFull(f, got); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("the box was given % X, %v; want % X", got, err, want)
	}
	if r.State() != role.Enabled {
		t.Fatal(r.State())
	}
}

func TestWaferstarHasOneAddress(t *testing.T) {
	_, port := pty(t)
	src, err := module.Open(limited(t), "waferstar://"+port, module.Cursor{}, module.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	sp := src.(module.Speaker)
	for _, d := range [][]mdb.Device{{mdb.Cashless1, mdb.Gateway}, {mdb.Gateway}} {
		if sp.SetMode(d...) == nil {
			t.Errorf("%v", d)
		}
	}
	cast, _ := role.NewCast(role.NewGateway(role.GatewaySettings{}))
	if _, err := cast.Play(src); err == nil {
		t.Error("a gateway on a reader's box")
	}
}

func TestAdapterURLs(t *testing.T) {
	for _, bad := range []string{"qibixx:///x?mode=dance", "qibixx:///x?address=18", "qibixx:///x?mode=reader&currency=RUB", "qibixx:///x?mode=reader&vend=maybe",
		"waferstar:///x?sum=perhaps", "waferstar:///x?baud=fast", "qibixx:///dev/none-such"} {
		if _, err := module.Open(limited(t), bad, module.Cursor{}, module.Options{}); err == nil {
			t.Errorf("%s was opened", bad)
		}
	}
}
