package module

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/chekomat/chekomat/mdb"
)

// Made-up times, µs: a machine polls every 100 ms and answers follow after
// 0.3 ms.
const (
	madePoll     = 100_000
	madeReply    = 300
	madeEXEReply = 3000
)

// wordsReader reads *.words.csv: t_us,dir,word or dir,word, in the order the
// head names. Directions are M and S on MDB, EM and ES on EXE: the payment device
// and the VMC, each word with its parity as bit 8. # begins a comment.
type wordsReader struct {
	timed  bool
	head   bool
	fields struct{ t, dir, word int }
	made   int64
	last   mdb.Line
}

func (r *wordsReader) fidelity() Fidelity {
	return Fidelity{ModeBits: true, Checksums: true, Times: r.timed, BothLines: true}
}

func (r *wordsReader) rest(dst []mdb.Word) []mdb.Word { return dst }

// begin takes the first line, and reports whether it is a head. Without one the
// number of fields decides.
func (r *wordsReader) begin(fields []string) (head bool) {
	r.head = true
	r.timed = len(fields) >= 3
	r.fields.t, r.fields.dir, r.fields.word = -1, 0, 1
	if r.timed {
		r.fields.t, r.fields.dir, r.fields.word = 0, 1, 2
	}
	t, dir, word := slices.Index(fields, "t_us"), slices.Index(fields, "dir"), slices.Index(fields, "word")
	if dir < 0 || word < 0 {
		return false
	}
	r.timed = t >= 0
	r.fields.t, r.fields.dir, r.fields.word = t, dir, word
	return true
}

func (r *wordsReader) words(dst []mdb.Word, line string) ([]mdb.Word, error) {
	line, _, _ = strings.Cut(line, "#")
	if line = strings.TrimSpace(line); line == "" {
		return dst, nil
	}
	var buf [8]string
	fields := buf[:0]
	for f := range strings.SplitSeq(line, ",") {
		fields = append(fields, strings.TrimSpace(f))
	}
	if !r.head && r.begin(fields) {
		return dst, nil
	}
	if n := max(r.fields.t, r.fields.dir, r.fields.word); n >= len(fields) {
		return dst, fmt.Errorf("%d fields: %w", len(fields), errForm)
	}
	var w mdb.Word
	if r.timed {
		f, _, _ := strings.Cut(fields[r.fields.t], ".") // of a microsecond
		t, err := strconv.ParseInt(f, 10, 64)
		if err != nil || t < 0 || t > 1<<55 {
			return dst, fmt.Errorf("time %q: %w", fields[r.fields.t], errForm)
		}
		w.T = t
	}
	v, err := strconv.ParseUint(strings.TrimPrefix(fields[r.fields.word], "0x"), 16, 16)
	if err != nil || v > 0x1FF {
		return dst, fmt.Errorf("word %q: %w", fields[r.fields.word], errForm)
	}
	w.V = uint16(v)
	switch dir := fields[r.fields.dir]; dir {
	case "M":
		w.Line = mdb.Master
	case "S":
		w.Line = mdb.Slave
	case "EM":
		w.Line = mdb.EXEMaster
	case "ES":
		w.Line = mdb.EXESlave
	default:
		return dst, fmt.Errorf("direction %q: %w", dir, errForm)
	}
	if !r.timed {
		w.T = r.time(w)
		w.Flags = mdb.Synthetic
	}
	return append(dst, w), nil
}

// time makes up a time: words of a block follow each other, an answer follows
// its command, a command starts a poll period after what was before.
func (r *wordsReader) time(w mdb.Word) int64 {
	switch {
	case w.Line == mdb.Master && w.V&mdb.Mode != 0, w.Line == mdb.EXEMaster && w.V&0x10 != 0: // EXE: a command, no data
		r.made += madePoll
	case w.Line >= mdb.EXEMaster:
		r.made += mdb.WordTime + madeEXEReply
	case w.Line != r.last:
		r.made += mdb.WordTime + madeReply
	default:
		r.made += mdb.WordTime
	}
	r.last = w.Line
	return r.made
}

// blocksReader reads *.blocks.txt: M or S, then bytes in hex. Whether checksums
// are included says the header; without a word about it they are.
type blocksReader struct {
	bare  bool
	begun bool // a block was read: what comments say of checksums is no head any more
	made  int64
}

func (r *blocksReader) fidelity() Fidelity {
	return Fidelity{Checksums: !r.bare, BothLines: true}
}

func (r *blocksReader) rest(dst []mdb.Word) []mdb.Word { return dst }

func (r *blocksReader) words(dst []mdb.Word, line string) ([]mdb.Word, error) {
	line, comment, _ := strings.Cut(line, "#")
	fields := strings.Fields(line)
	if !r.begun {
		r.note(comment)
	}
	if len(fields) == 0 {
		return dst, nil
	}
	r.begun = true
	var l mdb.Line
	switch fields[0] {
	case "M":
		l = mdb.Master
	case "S":
		l = mdb.Slave
	default:
		return dst, fmt.Errorf("direction %q: %w", fields[0], errForm)
	}
	var b [mdb.MaxBlock]byte
	if len(fields)-1 > len(b) || len(fields) < 2 {
		return dst, fmt.Errorf("%d bytes in a block: %w", len(fields)-1, errForm)
	}
	for i, f := range fields[1:] {
		v, err := strconv.ParseUint(f, 16, 8)
		if err != nil {
			return dst, fmt.Errorf("byte %q: %w", f, errForm)
		}
		b[i] = byte(v)
	}
	block := b[:len(fields)-1]
	reply := len(block) == 1 && (block[0] == 0 || block[0] == 0xFF || block[0] == 0xAA && l == mdb.Master)
	if r.bare && !reply && len(block) < mdb.MaxBlock {
		block = mdb.Seal(block)
	}
	if l == mdb.Master && len(block) > 1 {
		r.made += madePoll
	} else {
		r.made += mdb.WordTime + madeReply
	}
	dst, end := mdb.AppendWords(dst, l, r.made, block, mdb.Synthetic)
	r.made = end - mdb.WordTime
	return dst, nil
}

// note takes what a comment of the head says of checksums.
func (r *blocksReader) note(comment string) {
	for clause := range strings.FieldsFuncSeq(strings.ToLower(comment), func(c rune) bool { return strings.ContainsRune(";,()", c) }) {
		if !strings.Contains(clause, "checksum") && !strings.Contains(clause, "chk") {
			continue
		}
		for w := range strings.FieldsFuncSeq(clause, func(c rune) bool { return c < 'a' || c > 'z' }) {
			switch w {
			case "without", "not", "no", "excl", "excluded", "excluding", "removed", "stripped", "omitted":
				r.bare = true
			}
		}
	}
}

// qibixxReader reads the sniff lines of a Qibixx adapter (reference 18.1):
// x,<00|80>,<time>,<command>,<data> from the VMC, x,80,<time>,<data|ACK|NAK>
// from peripherals. Checksums are removed; times are in 0.1 ms and may be out
// of order, so a few lines are kept back and sorted.
type qibixxReader struct {
	kept []qibixxBlock
}

type qibixxBlock struct {
	t    int64
	line mdb.Line
	n    int
	b    [mdb.MaxBlock]byte
}

// keepBack is how many lines may be out of order.
const keepBack = 8

func (r *qibixxReader) fidelity() Fidelity { return Fidelity{BothLines: true} }

func (r *qibixxReader) words(dst []mdb.Word, line string) ([]mdb.Word, error) {
	f := strings.Split(strings.TrimSpace(line), ",")
	if len(f) < 4 || f[0] != "x" {
		return dst, nil
	}
	src, err := strconv.ParseUint(f[1], 16, 8)
	if err != nil {
		return dst, fmt.Errorf("source %q: %w", f[1], errForm)
	}
	if src&0x7F != 0 {
		return dst, nil // the adapter marks the block as damaged
	}
	t, err := strconv.ParseInt(f[2], 10, 64)
	if err != nil || t < 0 || t > 1<<45 {
		return dst, fmt.Errorf("time %q: %w", f[2], errForm)
	}
	q := qibixxBlock{t: t * 100}
	hex := f[3]
	if src == 0x80 {
		q.line = mdb.Slave
	} else if len(f) > 4 {
		hex += f[4]
	}
	switch hex {
	case "ACK":
		q.n = 1
	case "NAK":
		q.b[0], q.n = 0xFF, 1
	case "RET":
		q.b[0], q.n = 0xAA, 1
	default:
		if len(hex) == 0 || len(hex)%2 != 0 || len(hex)/2 >= mdb.MaxBlock {
			return dst, fmt.Errorf("data %q: %w", hex, errForm)
		}
		for i := 0; i < len(hex); i += 2 {
			v, err := strconv.ParseUint(hex[i:i+2], 16, 8)
			if err != nil {
				return dst, fmt.Errorf("data %q: %w", hex, errForm)
			}
			q.b[q.n] = byte(v)
			q.n++
		}
		q.b[q.n] = mdb.Checksum(q.b[:q.n])
		q.n++
	}
	at := len(r.kept)
	for at > 0 && r.kept[at-1].t > q.t {
		at--
	}
	r.kept = append(r.kept, qibixxBlock{})
	copy(r.kept[at+1:], r.kept[at:])
	r.kept[at] = q
	if len(r.kept) > keepBack {
		dst = r.give(dst, 1)
	}
	return dst, nil
}

func (r *qibixxReader) rest(dst []mdb.Word) []mdb.Word { return r.give(dst, len(r.kept)) }

// give makes words of the first n blocks kept. The adapter's time is that of
// the block's start: answers of the shared log begin 4 to 7 ms after the end of
// their command only when it is read so.
func (r *qibixxReader) give(dst []mdb.Word, n int) []mdb.Word {
	for i := range n {
		q := &r.kept[i]
		dst, _ = mdb.AppendWords(dst, q.line, q.t, q.b[:q.n], mdb.Synthetic)
	}
	r.kept = append(r.kept[:0], r.kept[n:]...)
	return dst
}
