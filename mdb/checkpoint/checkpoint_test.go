package checkpoint

import (
	"errors"
	"reflect"
	"testing"
)

type state struct {
	a    int64
	b    uint8
	c, d bool
	s    string
	p    []byte
	raw  [3]byte
}

func (x *state) walk(w *Walk) {
	Int(w, &x.a)
	Int(w, &x.b)
	w.Bool(&x.c, &x.d)
	String(w, &x.s)
	w.Slice(&x.p)
	w.Raw(x.raw[:])
}

func TestWalk(t *testing.T) {
	in := state{-1 << 40, 255, true, false, "касса", []byte{1, 0, 2}, [3]byte{7, 8, 9}}
	w := Writer(nil)
	in.walk(w)
	var out state
	r := Reader(w.Bytes())
	out.walk(r)
	if err := r.Done(); err != nil || !reflect.DeepEqual(in, out) {
		t.Fatalf("%+v, %v", out, err)
	}
	for n := range w.Bytes() {
		r := Reader(w.Bytes()[:n])
		out.walk(r)
		if !errors.Is(r.Done(), ErrDamaged) {
			t.Errorf("cut at %d: %v", n, r.Err())
		}
	}
	r = Reader(append(w.Bytes(), 0))
	out.walk(r)
	if !errors.Is(r.Done(), ErrDamaged) {
		t.Error("a byte left over is accepted")
	}
}

func TestIntRefusesWhatDoesNotFit(t *testing.T) {
	v := 300
	w := Writer(nil)
	Int(w, &v)
	var small uint8
	r := Reader(w.Bytes())
	if Int(r, &small); r.Err() == nil || small != 0 {
		t.Errorf("%d, %v", small, r.Err())
	}
	n := 1 << 40
	w = Writer(nil)
	Int(w, &n)
	r = Reader(w.Bytes())
	if got := r.Len(0, 100); got != 0 || r.Err() == nil {
		t.Errorf("length %d, %v", got, r.Err())
	}
}
