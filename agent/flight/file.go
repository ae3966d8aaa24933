package flight

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/trace"
)

// Flight is a file written.
type Flight struct {
	Name  string
	Bytes int64
}

const ending = ".trace"

// stamp begins a name, so that names sort by time; UTC.
const stamp = "20060102T150405.000Z"

// nameOf a slice: when, and why.
func nameOf(j job) string {
	why := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '-'
	}, j.marks[0].text)
	return j.at.UTC().Format(stamp) + "-" + why[:min(len(why), 48)] + ending
}

// ValidName reports whether a name is one the recorder gives: nothing else is
// ever opened.
func ValidName(name string) bool {
	body, ok := strings.CutSuffix(name, ending)
	if !ok || len(body) < len(stamp)+2 || len(body) > len(stamp)+64 {
		return false
	}
	for _, c := range []byte(body) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-' && c != '.' {
			return false
		}
	}
	return !strings.Contains(body, "..")
}

// write makes the file whole or not at all, then makes room for the next.
func (r *Recorder) write(j job) (Flight, error) {
	f := Flight{Name: nameOf(j)}
	if err := os.MkdirAll(r.cfg.Dir, 0o750); err != nil {
		return f, fmt.Errorf("flight: make folder: %w", err)
	}
	tmp, err := os.CreateTemp(r.cfg.Dir, ".flight-*")
	if err != nil {
		return f, fmt.Errorf("flight: write %s: %w", f.Name, err)
	}
	defer os.Remove(tmp.Name()) // gone when it was renamed
	w := bufio.NewWriter(tmp)
	put(w, j)
	err = errors.Join(w.Flush(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), filepath.Join(r.cfg.Dir, f.Name))
	}
	if err != nil {
		return f, fmt.Errorf("flight: write %s: %w", f.Name, err)
	}
	if st, err := os.Stat(filepath.Join(r.cfg.Dir, f.Name)); err == nil {
		f.Bytes = st.Size()
	}
	return f, r.rotate()
}

// put writes a slice as a trace. The error stays in w.
func put(w *bufio.Writer, j job) {
	var line []byte
	say := func(it trace.Item) {
		line = trace.AppendItem(line[:0], &it)
		_, _ = w.Write(line)
	}
	for _, it := range trace.Heading(j.header) {
		say(it)
	}
	for _, m := range j.marks {
		say(trace.Item{Comment: fmt.Sprintf(" at %d.%06d s: %s", m.t/1_000_000, max(m.t, 0)%1_000_000, oneLine(m.text))})
	}
	const batch = 512
	var ws []mdb.Word
	seq, last := j.first, int64(0)
	flush := func() {
		for _, it := range trace.Group(nil, ws, j.header.Fidelity) {
			say(it)
		}
		ws = ws[:0]
	}
	for _, v := range j.words {
		for len(j.holes) > 0 && j.holes[0].seq <= seq {
			flush()
			say(trace.Item{Kind: trace.Lost, Text: oneLine(j.holes[0].note)})
			j.holes = j.holes[1:]
		}
		word := unpack(v)
		last = word.T
		if ws = append(ws, word); len(ws) >= batch && word.Line == mdb.Slave {
			flush()
		}
		seq++
	}
	flush()
	for _, h := range j.holes {
		say(trace.Item{Kind: trace.Lost, Text: oneLine(h.note)})
	}
	if d := j.now - last; d > 0 && len(j.words) > 0 {
		say(trace.Item{Kind: trace.Silent, Span: d})
	}
}

func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r <= ' ' || r == '#' || r == 0x7F || r == '\uFFFD' }), " ")
}

// rotate deletes the oldest files beyond the limits.
func (r *Recorder) rotate() error {
	all, err := r.Saved()
	if err != nil {
		return err
	}
	var sum int64
	for i, f := range slices.Backward(all) {
		n := len(all) - i
		if sum += f.Bytes; n > 1 && (n > r.cfg.MaxFiles || sum > r.cfg.MaxBytes) {
			if err := os.Remove(filepath.Join(r.cfg.Dir, f.Name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("flight: make room: %w", err)
			}
		}
	}
	return nil
}

// Saved lists the files, oldest first.
func (r *Recorder) Saved() ([]Flight, error) {
	entries, err := os.ReadDir(r.cfg.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("flight: list: %w", err)
	}
	var out []Flight
	for _, e := range entries { // sorted by name
		if !ValidName(e.Name()) || !e.Type().IsRegular() {
			continue
		}
		if info, err := e.Info(); err == nil {
			out = append(out, Flight{e.Name(), info.Size()})
		}
	}
	return out, nil
}

// maxRead bounds a file that is sent: the ring's whole as text is less.
const maxRead = 4 << 20

// Packed gives a file, gzipped.
func (r *Recorder) Packed(name string) ([]byte, error) {
	if !ValidName(name) {
		return nil, fmt.Errorf("flight: %q is no name of a flight", name)
	}
	f, err := os.Open(filepath.Join(r.cfg.Dir, name))
	if err != nil {
		return nil, fmt.Errorf("flight: read: %w", err)
	}
	defer f.Close()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.Copy(z, io.LimitReader(f, maxRead)); err != nil {
		return nil, fmt.Errorf("flight: read %s: %w", name, err)
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("flight: pack %s: %w", name, err)
	}
	return b.Bytes(), nil
}

// At is when a flight of that name was written.
func At(name string) time.Time {
	if len(name) < len(stamp) {
		return time.Time{}
	}
	t, err := time.Parse(stamp, name[:len(stamp)])
	if err != nil {
		return time.Time{}
	}
	return t
}
