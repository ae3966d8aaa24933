package register

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chekomat/chekomat/testbench/fn"
	"pgregory.net/rapid"
)

// Whatever commands, faults and restarts come: numbers have no gap, a receipt
// exists exactly when FF45h was executed without an error, and the sums agree.
func TestOneDocumentPerClosing(t *testing.T) {
	dirs := 0
	base := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		dirs++
		now := noon
		cfg := Config{Data: fmt.Sprint(base, "/", dirs), Clock: func() time.Time { return now }, Zone: time.UTC}
		if err := cfg.defaults(); err != nil {
			rt.Fatal(err)
		}
		d, err := newDevice(cfg)
		if err != nil {
			rt.Fatal(err)
		}
		defer func() { _ = d.close() }()
		made, turnover, inReceipt := 1, int64(0), int64(0)
		run := func(data []byte) bool {
			out := d.Execute(data)
			at := 1
			if out[0] == 0xFF {
				at = 2
			}
			return out[at] == errNone
		}
		rt.Repeat(map[string]func(*rapid.T){
			"open shift": func(*rapid.T) {
				if run(cmd(0xE0)) {
					made++
				}
			},
			"close shift": func(rt *rapid.T) {
				if run(cmd(rapid.SampledFrom([]uint16{0x41, 0xFF43}).Draw(rt, "by"))) {
					made++
				}
			},
			"open": func(*rapid.T) {
				if run(cmd(0x8D, 0)) {
					inReceipt = 0
				}
			},
			"sell": func(rt *rapid.T) {
				price := rapid.Int64Range(1, 100000).Draw(rt, "price")
				fresh := d.nv.Receipt == nil
				if run(sale(1, price, 0x08, "x")) {
					if fresh {
						inReceipt = 0
					}
					inReceipt += price
				}
			},
			"tag": func(rt *rapid.T) { run(tag(1036, []byte(rapid.StringN(0, 25, 25).Draw(rt, "machine")))) },
			"close": func(rt *rapid.T) {
				paid := inReceipt + rapid.Int64Range(-1, 1).Draw(rt, "off")
				if run(closeBy(max(0, paid), 0, 1)) {
					made++
					turnover += inReceipt
				}
			},
			"cancel":  func(rt *rapid.T) { run(cmd(rapid.SampledFrom([]uint16{0x88, 0xFF08}).Draw(rt, "by"))) },
			"read":    func(rt *rapid.T) { run(cmd(0xFF3A, number4(rapid.Uint32Range(0, 9).Draw(rt, "n"))...)) },
			"drain":   func(*rapid.T) { run(cmd(0xFF3B)) },
			"begin":   func(rt *rapid.T) { run(cmd(rapid.SampledFrom([]uint16{0xFF41, 0xFF42}).Draw(rt, "report"))) },
			"garbage": func(rt *rapid.T) { _ = d.Execute(rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(rt, "data")) },
			"power": func(rt *rapid.T) {
				if err := d.powerLoss(); err != nil {
					rt.Fatal(err)
				}
			},
			"restart": func(rt *rapid.T) {
				mode := d.mode()
				if err := d.close(); err != nil {
					rt.Fatal(err)
				}
				if d, err = newDevice(cfg); err != nil {
					rt.Fatal(err)
				}
				want := mode
				if mode == 8 && d.shiftMode() == 3 {
					want = 3 // the ФН begins no receipt in a shift over 24 h: it is lost
				}
				if mode != 1 && d.mode() != want {
					rt.Fatalf("mode %02X before the restart, %02X after", mode, d.mode())
				}
			},
			"time": func(rt *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(0, 600).Draw(rt, "min")) * time.Minute)
			},
			"": func(rt *rapid.T) {
				sum := int64(0)
				docs := d.archive()
				for i, doc := range docs {
					if doc.FD != uint32(i+1) {
						rt.Fatalf("ФД %d at place %d", doc.FD, i)
					}
					sum += doc.Sum
				}
				if len(docs) != made || sum != turnover {
					rt.Fatalf("%d documents of %d, %d kopecks of %d", len(docs), made, sum, turnover)
				}
			},
		})
	})
}

const childData = "CHEKOMAT_REGISTER_CHILD"

// TestMain lets the test binary be the emulator that SIGKILL ends.
func TestMain(m *testing.M) {
	if dir := os.Getenv(childData); dir != "" {
		c := Command()
		c.SetArgs([]string{"--data", dir, "--control", ""})
		if err := c.Execute(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// The emulator is killed after a random command of a random receipt and started
// again: every answered document is there once, a receipt that was open is open
// again or closed with its number, and nothing else appeared.
func TestEmulatorSurvivesSIGKILL(t *testing.T) {
	dir := t.TempDir()
	rnd := rand.New(rand.NewPCG(3, 4))
	answered := map[string]uint32{}
	sent := map[string]bool{}
	for round := range 20 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), childData+"="+dir)
		var complaints bytes.Buffer
		child.Stderr = &complaints
		pipe, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		first, err := bufio.NewReader(pipe).ReadBytes('\n')
		if err != nil {
			_ = child.Wait()
			t.Fatalf("%v: %s", err, complaints.String())
		}
		var at struct{ Listen string }
		if err := json.Unmarshal(first, &at); err != nil {
			t.Fatal(err)
		}
		limit := rnd.IntN(120)
		kill := func() bool {
			limit--
			return limit < 0
		}
		c := connect(t, at.Listen)
		work(c, round, kill, func() { _ = child.Process.Kill() }, sent, answered)
		_ = child.Process.Kill()
		_ = child.Wait()
		_ = c.conn.Close()
	}

	f, err := fn.New(fn.Config{Path: dir + "/fn-9999078902001234.log"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	byKey := map[string]int{}
	for i, d := range f.Documents(1, 0) {
		if d.FD != uint32(i+1) {
			t.Fatalf("ФД %d at place %d", d.FD, i)
		}
		if d.Type == fn.TypeReceipt {
			byKey[d.Key]++
			if !sent[d.Key] {
				t.Errorf("ФД %d with key %q was never closed by a host", d.FD, d.Key)
			}
		}
	}
	for key, fd := range answered {
		if d, err := f.Document(fd); err != nil || d.Key != key {
			t.Errorf("the host was told ФД %d for %s, the archive holds %q, %v", fd, key, d.Key, err)
		}
	}
	for key, n := range byKey {
		if n != 1 {
			t.Errorf("%d documents of %s", n, key)
		}
	}
	t.Logf("%d documents, %d answered receipts over 20 kills", f.Len(), len(answered))
	if len(answered) < 20 {
		t.Error("too little work between the kills")
	}
}

func connect(t *testing.T, addr string) *client {
	t.Helper()
	return dialAt(t, addr)
}

// work sells until it is told to kill; it kills right after the bytes of a
// command left, so the kill meets the command in execution.
func work(c *client, round int, stop func() bool, kill func(), sent map[string]bool, answered map[string]uint32) {
	do := func(data []byte) ([]byte, bool) {
		b, err := c.raw(1, enq)
		if err != nil || b[0] != nak {
			return nil, false
		}
		die := stop()
		if _, err := c.raw(0, appendFrameV1(nil, data)...); err != nil {
			return nil, false
		}
		if die {
			kill()
			return nil, false
		}
		if b, err = c.raw(1); err != nil || b[0] != ack {
			return nil, false
		}
		out, err := c.answer()
		if err == nil {
			_, err = c.conn.Write([]byte{ack})
		}
		return out, err == nil
	}
	out, ok := do(cmd(0x10))
	if !ok {
		return
	}
	if out[5] == 8 {
		if _, ok = do(cmd(0x88)); !ok {
			return
		}
	}
	if out[5] == 4 {
		if _, ok = do(cmd(0xE0)); !ok {
			return
		}
	}
	for n := 0; ; n++ {
		key := fmt.Sprintf("key-%d-%d", round, n)
		for _, data := range [][]byte{cmd(0x8D, 0), sale(1, 100, 8, "x"), tag(1084, keyTag(key))} {
			if out, ok = do(data); !ok || !bytes.Contains(out[:3], []byte{0}) {
				return
			}
		}
		sent[key] = true
		if out, ok = do(closeBy(100, 0, 1)); !ok || out[2] != 0 {
			return
		}
		answered[key] = binary.LittleEndian.Uint32(out[8:])
	}
}

// FuzzExecute feeds the command parser in every state of the register.
func FuzzExecute(f *testing.F) {
	for _, data := range [][]byte{cmd(0x10), cmd(0x8D, 0), sale(1, 100, 8, "x"), closeBy(0, 100, 1), tag(1084, keyTag("k")), cmd(0xFF3A, 1, 0, 0, 0), cmd(0x1E, 17, 1, 0, 7, 2), {0xFF}, {0xFC}, {0xF7, 1},
		cmd(0xFF35), correction105(0, 1, 100, 1), cmd(0xFF05, 2), cmd(0xFF34, 4), cmd(0xFF61, 1, 0, 1, 0, 'x'), cmd(0xFF33, 0, 0, 1, 1), cmd(0x80, make([]byte, 20)...), cmd(0x85, make([]byte, 66)...)} {
		f.Add(byte(0), data)
		f.Add(byte(2), data)
	}
	f.Fuzz(func(t *testing.T, state byte, data []byte) {
		w := newWorld(t, noon, Config{})
		states := []func(*world){nothing, opened, receiptOpen, sold, readingOut, expired}
		states[int(state)%len(states)](w)
		for range 2 {
			out := w.dev.Execute(data)
			if len(data) > 0 && (len(out) < 2 || len(out) > 255 || out[0] != data[0]) {
				t.Fatalf("% X answered % X", data, out)
			}
		}
		for i, d := range w.Archive() {
			if d.FD != uint32(i+1) {
				t.Fatalf("ФД %d at place %d", d.FD, i)
			}
		}
	})
}

func FuzzReceiverV1(f *testing.F) {
	f.Add(appendFrameV1([]byte{0, 0, enq}, cmd(0x10)))
	f.Fuzz(func(t *testing.T, in []byte) {
		var r receiverV1
		for i, b := range in {
			if r.push(b) != evFrame {
				continue
			}
			frame := appendFrameV1(nil, r.data)
			if !bytes.Equal(frame, in[i+1-len(frame):i+1]) {
				t.Fatalf("took % X out of % X", r.data, in)
			}
		}
	})
}

func FuzzReceiverV2(f *testing.F) {
	f.Add(appendFrameV2(nil, 0x9F8F, cmd(0x10)))
	f.Add([]byte{0x8F, 0, 0, 0x0F, 0x1D})
	f.Fuzz(func(t *testing.T, in []byte) {
		var r receiverV2
		for i, b := range in {
			if r.push(b) != evFrame || r.empty {
				continue
			}
			frame := appendFrameV2(nil, r.num, r.data)
			if !bytes.HasSuffix(in[:i+1], frame) {
				t.Fatalf("took %d % X out of % X", r.num, r.data, in)
			}
		}
	})
}
