// Package checkpoint writes and reads the state of pure state machines: one
// walk over the fields does both, so they cannot disagree. Integers are
// varints, strings and byte slices have their length in front. Reading never
// panics and allocates nothing larger than its input.
package checkpoint

import (
	"encoding/binary"
	"errors"
)

// ErrDamaged is what reading bytes that no walk wrote gives.
var ErrDamaged = errors.New("checkpoint is damaged or of another version")

// Walk goes over the fields of a state, writing or reading them.
type Walk struct {
	b       []byte
	reading bool
	err     error
}

// Writer starts a walk that appends to b.
func Writer(b []byte) *Walk { return &Walk{b: b} }

// Reader starts a walk that reads b.
func Reader(b []byte) *Walk { return &Walk{b: b, reading: true} }

// Reading reports whether the walk reads.
func (w *Walk) Reading() bool { return w.reading }

// Bytes gives what was written, or what is left to read.
func (w *Walk) Bytes() []byte { return w.b }

// Err gives the first error of reading. Done also fails when bytes are left.
func (w *Walk) Err() error { return w.err }

// Done ends a walk: the error of reading, or ErrDamaged when bytes are left.
func (w *Walk) Done() error {
	if w.err == nil && w.reading && len(w.b) > 0 {
		w.err = ErrDamaged
	}
	return w.err
}

func (w *Walk) fail() { w.err, w.b = ErrDamaged, nil }

// Int walks an integer of any size and sign.
func Int[T ~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64](w *Walk, p *T) {
	if !w.reading {
		w.b = binary.AppendVarint(w.b, int64(*p))
		return
	}
	if w.err != nil {
		return
	}
	v, n := binary.Varint(w.b)
	if n <= 0 || int64(T(v)) != v {
		w.fail()
		return
	}
	*p, w.b = T(v), w.b[n:]
}

// Bool walks booleans, up to eight in one byte.
func (w *Walk) Bool(ps ...*bool) {
	var v uint8
	for i, p := range ps {
		if *p {
			v |= 1 << i
		}
	}
	Int(w, &v)
	if w.reading && w.err == nil {
		for i, p := range ps {
			*p = v&(1<<i) != 0
		}
	}
}

// Raw walks a fixed stretch of bytes.
func (w *Walk) Raw(p []byte) {
	if !w.reading {
		w.b = append(w.b, p...)
		return
	}
	if w.err != nil {
		return
	}
	if len(w.b) < len(p) {
		w.fail()
		return
	}
	copy(p, w.b)
	w.b = w.b[len(p):]
}

// Len walks a length; on reading it refuses more than limit.
func (w *Walk) Len(n, limit int) int {
	Int(w, &n)
	if w.reading && (w.err != nil || n < 0 || n > limit) {
		if w.err == nil {
			w.fail()
		}
		return 0
	}
	return n
}

// Slice walks a byte slice.
func (w *Walk) Slice(p *[]byte) {
	n := w.Len(len(*p), len(w.b))
	if w.reading {
		*p = append((*p)[:0], make([]byte, min(n, len(w.b)))...)
		if n == 0 {
			*p = nil
		}
	}
	w.Raw(*p)
}

// String walks a string.
func String[T ~string](w *Walk, p *T) {
	b := []byte(*p)
	w.Slice(&b)
	if w.reading {
		*p = T(b)
	}
}
