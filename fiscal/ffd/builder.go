package ffd

import (
	"errors"
	"time"
)

// builder collects elements and the first error.
type builder struct {
	es  []Element
	err error
}

func (b *builder) add(e ...Element) { b.es = append(b.es, e...) }

func (b *builder) num(t Tag, v uint64) { b.add(Num(t, v)) }

func (b *builder) flag(t Tag, on bool) {
	if on {
		b.num(t, 1)
	}
}

// yesNo writes a flag that is there in both states.
func (b *builder) yesNo(t Tag, on bool) {
	if on {
		b.num(t, 1)
	} else {
		b.num(t, 0)
	}
}

func (b *builder) money(t Tag, k int64) {
	if k < 0 && b.err == nil {
		b.err = errors.New("negative sum")
	}
	b.num(t, uint64(k))
}

func (b *builder) text(t Tag, s string) {
	e, err := Str(t, s)
	if err != nil && b.err == nil {
		b.err = err
	}
	b.add(e)
}

// some writes the text unless it is empty.
func (b *builder) some(t Tag, s string) {
	if s != "" {
		b.text(t, s)
	}
}

func (b *builder) clock(t Tag, at time.Time) { b.add(Clock(t, at)) }

// reader takes values out of a chain and keeps the first error.
type reader struct {
	es  []Element
	err error
}

func (r *reader) note(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *reader) num(t Tag) uint64 {
	e := Find(r.es, t)
	if e == nil {
		return 0
	}
	v, err := e.Uint()
	r.note(err)
	return v
}

func (r *reader) money(t Tag) int64 {
	v := r.num(t)
	if v > 1<<62 {
		r.note(errors.New("sum out of range"))
	}
	return int64(v)
}

// text reads without the padding of fixed texts.
func (r *reader) text(t Tag) string {
	e := Find(r.es, t)
	if e == nil {
		return ""
	}
	v := e.Value
	if info, ok := Lookup(t); ok && info.Type == FixedText {
		for len(v) > 0 && v[len(v)-1] == ' ' {
			v = v[:len(v)-1]
		}
	}
	return Element{Tag: t, Value: v}.Text()
}

func (r *reader) clock(t Tag) time.Time {
	e := Find(r.es, t)
	if e == nil {
		return time.Time{}
	}
	at, err := e.Time()
	r.note(err)
	return at
}

func (r *reader) sign() uint32 {
	e := Find(r.es, 1077)
	if e == nil {
		return 0
	}
	_, fp, err := e.Sign()
	r.note(err)
	return fp
}

func (r *reader) nested(t Tag) *reader {
	if e := Find(r.es, t); e != nil {
		return &reader{es: e.Nested}
	}
	return nil
}
