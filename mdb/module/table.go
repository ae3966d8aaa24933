package module

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/exe"
)

// tableForm tells whether a file is a logic analyzer's table, which is read
// whole: by the format wanted, or by its first line.
func tableForm(path string, opts Options) (form string, ok bool) {
	if opts.Format != "" {
		return opts.Format, opts.Format == FormSaleae || opts.Format == FormEdges
	}
	if FormOf(path) != "" || !strings.HasSuffix(strings.ToLower(path), ".csv") {
		return "", false
	}
	f, err := os.Open(path)
	if err != nil {
		return "", false
	}
	defer f.Close()
	first := make([]byte, 512)
	n, _ := io.ReadFull(f, first)
	head, _, _ := strings.Cut(string(first[:n]), "\n")
	switch h := columnsOf(splitHead(head)); {
	case h.value >= 0:
		return FormSaleae, true
	case h.time >= 0 && len(h.rest) > 0:
		return FormEdges, true
	}
	return "", false
}

func splitHead(head string) []string {
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(head, "\ufeff")))
	r.LazyQuotes = true
	rec, err := r.Read()
	if err != nil {
		return nil
	}
	return rec
}

// columns of a table by their names; -1 where there is none.
type columns struct {
	time, value, name, kind, parity, framing, fault, packet int
	rest                                                    []int // of none of these: channels of edges
}

func columnsOf(head []string) columns {
	c := columns{-1, -1, -1, -1, -1, -1, -1, -1, nil}
	for i, h := range head {
		switch h = strings.ToLower(strings.TrimSpace(h)); {
		case h == "start_time" || strings.HasPrefix(h, "time"):
			c.time = i
		case h == "value" || h == "data":
			c.value = i
		case h == "name" || h == "analyzer name" || h == "channel":
			c.name = i
		case h == "type":
			c.kind = i
		case h == "parity error":
			c.parity = i
		case h == "framing error":
			c.framing = i
		case h == "error":
			c.fault = i
		case h == "packet id":
			c.packet = i
		case h != "":
			c.rest = append(c.rest, i)
		}
	}
	if c.time < 0 {
		c.value = -1
	}
	return c
}

// Limits of what is read whole.
const (
	maxTableWords = 16 << 20
	maxEdges      = 64 << 20
)

// errTooLong is what a table beyond the limits gives.
var errTooLong = errors.New("the recording is too long to be read at once: export a part of it")

// openTable reads a logic analyzer's table, or two.
func openTable(path, form string, from Cursor, opts Options) (Source, error) {
	if opts.Bus != "" && opts.Bus != "mdb" && opts.Bus != "exe" || opts.Parity != "" && opts.Parity != "even" && opts.Parity != "odd" {
		return nil, fmt.Errorf("open trace %s: bus is mdb or exe, parity is even or odd, not %q and %q", path, opts.Bus, opts.Parity)
	}
	var lines []named
	for i, p := range []string{path, opts.Slave} {
		if p == "" {
			continue
		}
		read := readEdges
		if form == FormSaleae {
			read = readSerial
		}
		got, err := readTable(p, opts, read)
		if err != nil {
			return nil, fmt.Errorf("open trace %s: %w", p, err)
		}
		if opts.Slave != "" && len(got) != 1 {
			return nil, fmt.Errorf("open trace %s: %d lines in it, want one in each of two files", p, len(got))
		}
		if opts.Slave != "" {
			got[0].name = [...]string{"master", "slave"}[i]
		}
		lines = append(lines, got...)
	}
	ws, both, err := assign(lines, opts.Bus == "exe")
	if err != nil {
		return nil, fmt.Errorf("open trace %s: %w", path, err)
	}
	s := &fileSource{read: wholeReader{both}, path: path, limit: opts.ChunkWords, speed: int64(opts.Speed), done: true, ready: ws}
	if s.limit <= 0 {
		s.limit = 4096
	}
	n := min(from.Seq, uint64(len(ws)))
	s.ready, s.next.Seq = ws[n:], n
	return s, nil
}

// wholeReader stands for a table, read already.
type wholeReader struct{ both bool }

func (wholeReader) words(dst []mdb.Word, _ string) ([]mdb.Word, error) { return dst, nil }
func (wholeReader) rest(dst []mdb.Word) []mdb.Word                     { return dst }
func (r wholeReader) fidelity() Fidelity {
	return Fidelity{ModeBits: true, Checksums: true, Times: true, BothLines: r.both}
}

// named is the words of a line whose direction is to be found.
type named struct {
	name  string
	words []mdb.Word
}

// assign finds who is who, by the channels' names or else by what they say.
func assign(lines []named, isEXE bool) (ws []mdb.Word, both bool, err error) {
	used := lines[:0]
	for _, l := range lines {
		if len(l.words) > 0 {
			used = append(used, l)
		}
	}
	switch len(used) {
	case 0:
		return nil, true, errors.New("no word of 9600 baud is in it")
	case 1, 2:
	default:
		return nil, false, fmt.Errorf("%d channels speak: export the two of the bus", len(used))
	}
	first := side(used[0].name)
	if first == 0 && len(used) == 2 {
		first = -side(used[1].name)
	}
	if first == 0 {
		first = 1
		if isEXE {
			// Who asks is heard first.
			if len(used) == 2 && used[1].words[0].T < used[0].words[0].T {
				first = -1
			}
		} else if len(used) == 2 {
			if is, sure := masterFirst(used[0].words, used[1].words); sure && !is {
				first = -1
			}
		} else if leads(used[0].words) < 0 {
			first = -1
		}
	}
	var parts [][]mdb.Word
	for i, l := range used {
		line := mdb.Master
		if (first > 0) != (i == 0) {
			line = mdb.Slave
		}
		if isEXE {
			line += mdb.EXEMaster
		}
		for k := range l.words {
			l.words[k].Line = line
		}
		parts = append(parts, l.words)
	}
	ws = merge(parts...)
	if t0 := ws[0].T; t0 < 0 { // before the trigger
		for i := range ws {
			ws[i].T -= t0
		}
	}
	return ws, len(used) == 2, nil
}

// side is 1 for a name of the master's line, -1 for the peripherals', 0 for
// none of them.
func side(name string) int {
	n := strings.ToLower(name)
	for _, s := range []string{"slave", "dev", "periph", "reader"} {
		if strings.Contains(n, s) {
			return -1
		}
	}
	for _, s := range []string{"vmc", "master"} {
		if strings.Contains(n, s) {
			return 1
		}
	}
	return 0
}

func readTable(path string, opts Options, read func(io.Reader, Options) ([]named, error)) ([]named, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return read(bufio.NewReaderSize(f, 1<<16), opts)
}

// table gives the rows under a head.
func table(r io.Reader) (*csv.Reader, []string, error) {
	c := csv.NewReader(r)
	c.FieldsPerRecord, c.LazyQuotes, c.ReuseRecord = -1, true, true
	head, err := c.Read()
	if err != nil {
		return nil, nil, fmt.Errorf("read the table's head: %w", err)
	}
	head = append([]string{}, head...)
	head[0] = strings.TrimPrefix(head[0], "\ufeff")
	return c, head, nil
}

// nanoseconds reads decimal seconds.
func nanoseconds(s string) (int64, error) {
	s = strings.TrimSpace(s)
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(v) || math.Abs(v) > 1e8 {
		return 0, fmt.Errorf("time %q: %w", s, errForm)
	}
	return int64(math.Round(v * 1e9)), nil
}

func at(rec []string, i int) string {
	if i < 0 || i >= len(rec) {
		return ""
	}
	return strings.TrimSpace(rec[i])
}

// readSerial reads the table of asynchronous serial analyzers, one or several:
// values of nine bits, or of eight with a parity whose errors tell the ninth.
func readSerial(r io.Reader, opts Options) ([]named, error) {
	t, head, err := table(r)
	if err != nil {
		return nil, err
	}
	c := columnsOf(head)
	switch {
	case c.value < 0:
		return nil, fmt.Errorf("columns %q: %w", head, errForm)
	case c.packet >= 0:
		return nil, errors.New("the analyzer's multiprocessor mode leaves the time of addresses out: set 9 bits per transfer, or export the edges")
	}
	var lines []named
	var odd [][]bool // per line and word: a parity error
	index := map[string]int{}
	total := 0
	for {
		rec, err := t.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read the table: %w", err)
		}
		if k := at(rec, c.kind); k != "" && k != "data" {
			continue
		}
		row, _ := t.FieldPos(0)
		w, wrong, err := serialWord(rec, c)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", row, err)
		}
		name := at(rec, c.name)
		i, ok := index[name]
		if !ok {
			if i = len(lines); i == 16 {
				return nil, errors.New("more than 16 channels")
			}
			index[name] = i
			lines, odd = append(lines, named{name: name}), append(odd, nil)
		}
		lines[i].words, odd[i] = append(lines[i].words, w), append(odd[i], wrong)
		if total++; total > maxTableWords {
			return nil, errTooLong
		}
	}
	told := opts.Bus == "exe" || opts.Parity != ""
	for i := range lines {
		told = ninth(lines[i].words, odd[i], opts) || told
	}
	if !told && total > 0 {
		return nil, errors.New("no ninth bit in it: set 9 bits per transfer, or 8 and even parity")
	}
	return lines, nil
}

func serialWord(rec []string, c columns) (w mdb.Word, parity bool, err error) {
	ns, err := nanoseconds(at(rec, c.time))
	if err != nil {
		return w, false, err
	}
	w.T = ns / 1000
	s := at(rec, c.value)
	v, err := strconv.ParseUint(s, 0, 16)
	if err != nil || v > 0x1FF {
		return w, false, fmt.Errorf("value %q is not of nine bits (export numbers, not characters): %w", s, errForm)
	}
	w.V = uint16(v)
	faults := strings.ToLower(at(rec, c.fault))
	if at(rec, c.framing) != "" || strings.Contains(faults, "framing") {
		w.Flags |= mdb.FramingError
	}
	return w, at(rec, c.parity) != "" || strings.Contains(faults, "parity"), nil
}

// ninth gives words of eight bits their ninth by the parity errors; a line with
// a value of nine bits has it already. told is false where nothing speaks for
// either: on MDB a parity that is always right was never looked at.
func ninth(ws []mdb.Word, wrong []bool, opts Options) (told bool) {
	for _, w := range ws {
		if w.V > 0xFF {
			return true
		}
	}
	for i := range ws {
		p := exe.Parity(byte(ws[i].V))
		if (opts.Parity == "odd") != wrong[i] {
			p ^= 1
		}
		ws[i].V |= p << 8
	}
	return slices.Contains(wrong, true)
}

// readEdges reads the digital channels of a logic analyzer: a row at each
// change, times in seconds, levels 0 and 1.
func readEdges(r io.Reader, _ Options) ([]named, error) {
	t, head, err := table(r)
	if err != nil {
		return nil, err
	}
	c := columnsOf(head)
	if c.time < 0 || len(c.rest)+btoi(c.name >= 0) == 0 || len(c.rest) > 16 {
		return nil, fmt.Errorf("columns %q: %w", head, errForm)
	}
	if c.name >= 0 { // a channel called "channel"
		c.rest = append(c.rest, c.name)
	}
	chans := make([]channel, len(c.rest))
	for i, col := range c.rest {
		chans[i].name = head[col]
	}
	last, total := int64(math.MinInt64), 0
	for n := 0; ; n++ {
		rec, err := t.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read the table: %w", err)
		}
		row, _ := t.FieldPos(0)
		ns, err := nanoseconds(at(rec, c.time))
		if err == nil && ns < last {
			err = errors.New("time goes back")
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", row, err)
		}
		last = ns
		for i, col := range c.rest {
			up, err := strconv.ParseBool(at(rec, col))
			if err != nil {
				return nil, fmt.Errorf("line %d: level %q: %w", row, at(rec, col), errForm)
			}
			ch := &chans[i]
			ch.end = ns
			switch k := len(ch.edges); {
			case n == 0:
				ch.initial, ch.begin = up, ns
			case k == 0 && up == ch.initial, k > 0 && up == ch.edges[k-1].up:
			default:
				ch.edges = append(ch.edges, edge{ns, up})
				total++
			}
		}
		if total > maxEdges {
			return nil, errTooLong
		}
	}
	lines := make([]named, len(chans))
	for i := range chans {
		lines[i] = named{chans[i].name, chans[i].words(mdb.Master)}
	}
	return lines, nil
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
