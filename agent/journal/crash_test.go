package journal

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"pgregory.net/rapid"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/mdb/module"
)

// TestJournalKeepsItsPromise compares a journal with a model through random
// appends, settlements, new epochs and reopenings.
func TestJournalKeepsItsPromise(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "j")
		must(t, err)
		defer func() { _ = os.RemoveAll(dir) }()
		c := newHand()
		j := open(t, dir, c)
		defer func() { closed(t, j) }()

		type rec struct{ settled bool }
		model := map[Key]*rec{}
		heads := map[int64]int64{1: 0}
		epoch := int64(1)
		var mark Mark
		marked := false
		rt.Repeat(map[string]func(*rapid.T){
			"append": func(rt *rapid.T) {
				n := rapid.IntRange(0, 4).Draw(rt, "n")
				var e []Entry
				for range n {
					e = append(e, sale(c, rapid.Int64Range(1, 1e9).Draw(rt, "bus"), 100))
				}
				m := Mark{Checkpoint: rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(rt, "checkpoint"),
					Cursor: module.Cursor{Boot: rapid.Uint64().Draw(rt, "boot"), Seq: rapid.Uint64().Draw(rt, "seq")}}
				s, err := j.Append(e, &m)
				if err != nil {
					rt.Fatal(err)
				}
				mark, marked = m, true
				for _, x := range s {
					heads[epoch]++
					if x.Seq != heads[epoch] {
						rt.Fatalf("seq %d, want %d", x.Seq, heads[epoch])
					}
					model[Key{epoch, x.Seq}] = &rec{}
				}
			},
			"settle": func(rt *rapid.T) {
				ep := rapid.Int64Range(1, epoch).Draw(rt, "epoch")
				seq := rapid.Int64Range(1, 20).Draw(rt, "seq")
				if err := j.Settle(Settlement{Epoch: ep, Stored: []int64{seq}}); err != nil {
					rt.Fatal(err)
				}
				if r := model[Key{ep, seq}]; r != nil {
					r.settled = true
				}
			},
			"hub lost": func(rt *rapid.T) {
				ep := rapid.Int64Range(1, epoch).Draw(rt, "epoch")
				from := rapid.Int64Range(1, 20).Draw(rt, "from")
				if err := j.Settle(Settlement{Epoch: ep, Lost: []wire.Range{{from, from + 3}}}); err != nil {
					rt.Fatal(err)
				}
				for s := from; s <= from+3; s++ {
					if r := model[Key{ep, s}]; r != nil {
						r.settled = false
					}
				}
			},
			"begin": func(rt *rapid.T) {
				if epoch > 3 {
					return
				}
				if _, err := j.Begin(WhyAsked, ""); err != nil {
					rt.Fatal(err)
				}
				epoch++
				heads[epoch] = 1
				model[Key{epoch, 1}] = &rec{}
			},
			"reopen": func(*rapid.T) {
				closed(t, j)
				j = open(t, dir, c)
			},
			"": func(rt *rapid.T) {
				want := 0
				for _, r := range model {
					if !r.settled {
						want++
					}
				}
				keys, err := j.Open(1 << 20)
				if err != nil || len(keys) != want {
					rt.Fatalf("%d undelivered, want %d (%v)", len(keys), want, err)
				}
				for _, k := range keys {
					if r := model[k]; r == nil || r.settled {
						rt.Fatalf("%v is undelivered in the file, %+v in the model", k, r)
					}
				}
				h, err := j.Heads()
				if err != nil || h.Head != heads[epoch] || h.Epoch != epoch {
					rt.Fatalf("heads %+v %v, want %d of epoch %d", h, err, heads[epoch], epoch)
				}
				m, ok, err := j.Mark()
				if err != nil || ok != marked || m.Cursor != mark.Cursor || string(m.Checkpoint) != string(mark.Checkpoint) {
					rt.Fatalf("mark %+v %v %v, want %+v", m, ok, err, mark)
				}
			},
		})
	})
}

const childEnv = "CHEKOMAT_JOURNAL_CHILD"

// TestMain lets the test binary be the process that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		writeUntilKilled(dir)
	}
	os.Exit(m.Run())
}

// writeUntilKilled appends records and prints each number once Append has
// returned: the parent holds the journal to those words.
func writeUntilKilled(dir string) {
	j, err := Open(dir, newHand())
	if err != nil {
		fmt.Println("error", err)
		os.Exit(3)
	}
	for i := int64(1); ; i++ {
		h, err := j.Heads()
		if err != nil {
			fmt.Println("error", err)
			os.Exit(3)
		}
		n := h.Head + 1
		cursor := module.Cursor{Boot: 1, Seq: uint64(n)}
		s, err := j.Append([]Entry{sale(newHand(), n, n)}, &Mark{Checkpoint: fmt.Appendf(nil, "%d", n), Cursor: cursor})
		if err != nil || s[0].Seq != n {
			fmt.Println("error", s, err)
			os.Exit(3)
		}
		fmt.Println(n)
		if i%7 == 0 {
			_ = j.Settle(Settlement{Epoch: h.Epoch, Stored: []int64{n}})
		}
	}
}

// TestKilledAtAnyMoment kills a writing process with SIGKILL again and again:
// what Append returned for is there, numbers have no gaps, and the mark is
// that of the last record.
func TestKilledAtAnyMoment(t *testing.T) {
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	dir := t.TempDir()
	var said int64
	for round := range rounds {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"="+dir)
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		lines := bufio.NewScanner(out)
		for i := 0; i < 5+round*11 && lines.Scan(); i++ {
			if _, err := fmt.Sscan(lines.Text(), &said); err != nil {
				t.Fatalf("round %d: the child says %q", round, lines.Text())
			}
		}
		must(t, cmd.Process.Kill())
		for lines.Scan() { // what it said before it died
			if _, err := fmt.Sscan(lines.Text(), &said); err != nil {
				t.Fatalf("round %d: the child says %q", round, lines.Text())
			}
		}
		_ = cmd.Wait()

		j := open(t, dir, newHand())
		h, err := j.Heads()
		must(t, err)
		if h.Head < said || h.Head > said+1 {
			t.Fatalf("round %d: head %d after %d was promised", round, h.Head, said)
		}
		m, _, err := j.Mark()
		if err != nil || m.Cursor.Seq != uint64(h.Head) || string(m.Checkpoint) != fmt.Sprint(h.Head) {
			t.Fatalf("round %d: mark %+v with head %d (%v)", round, m, h.Head, err)
		}
		for seq := int64(1); seq <= h.Head; seq++ {
			o, err := j.Outgoing(Key{h.Epoch, seq})
			must(t, err)
			var r wire.Record
			if err := json.Unmarshal(o.Body, &r); err != nil || r.Sale.Amount.Minor != seq {
				t.Fatalf("record %d is %s (%v)", seq, o.Body, err)
			}
		}
		closed(t, j)
	}
}

func BenchmarkAppendSale(b *testing.B) {
	c := newHand()
	j := open(b, b.TempDir(), c)
	defer closed(b, j)
	cp := make([]byte, 600)
	var n int64
	for b.Loop() {
		n++
		if _, err := j.Append([]Entry{sale(c, n, 100)}, &Mark{Checkpoint: cp, Cursor: module.Cursor{Boot: 1, Seq: uint64(n)}}); err != nil {
			b.Fatal(err)
		}
	}
}
