// Package readback holds a document read from the archive of a ФН beside what
// was sent: whose it is, what receipt it makes, and the first difference.
// Drivers that read documents as TLV share it.
package readback

import (
	"encoding/binary"
	"strings"

	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/ffd"
	"github.com/chekomat/chekomat/fiscal/kkt"
)

// headLen is the length of a document's head: code and length.
const headLen = 4

// Document is a document as a register gave it back.
type Document struct {
	Code     uint16        // FFD document code
	Body     []ffd.Element // what could be parsed
	Complete bool          // the whole announced length came and parsed
}

// Assemble parses as much of the TLV as is whole. raw may begin with the
// document's head; announced may count the head or not. ended says that the
// register had nothing more to give.
func Assemble(code uint16, announced int, raw []byte, ended bool) Document {
	d := Document{Code: code}
	rest := raw
	if doc, n, err := ffd.ParseDocument(raw); err == nil && n == len(raw) && uint16(doc.Code) == code {
		d.Body, rest = doc.Body, nil
	} else if len(raw) >= headLen && binary.LittleEndian.Uint16(raw) == code {
		rest = raw[headLen:] // a head whose document is not whole; no requisite has such a tag
	}
	for len(rest) > 0 {
		e, n, err := ffd.ParseElement(rest)
		if err != nil {
			break
		}
		d.Body = append(d.Body, e)
		rest = rest[n:]
	}
	size := len(raw)
	d.Complete = ended && len(rest) == 0 && len(d.Body) > 0 &&
		(announced == size || announced == size+4 || announced == size-4)
	return d
}

// Bytes writes the document with its head.
func (d Document) Bytes() []byte {
	return ffd.AppendDocument(nil, ffd.Document{Code: ffd.Tag(d.Code), Body: d.Body})
}

// Key is the value of 1084 under our name; "" foreign or none.
func (d Document) Key() kkt.Key {
	for _, e := range d.Body {
		if e.Tag != 1084 {
			continue
		}
		name, value := ffd.Find(e.Nested, 1085), ffd.Find(e.Nested, 1086)
		if name != nil && value != nil && name.Text() == kkt.KeyName {
			return kkt.Key(value.Text())
		}
	}
	return ""
}

// Receipt tells whether the document is a receipt or a БСО, not a correction.
func (d Document) Receipt() bool {
	return d.Code == uint16(ffd.CodeReceipt) || d.Code == uint16(ffd.CodeBSO)
}

// Kind of the document; "" for those the till does not make.
func (d Document) Kind() fiscal.DocumentKind {
	switch ffd.Tag(d.Code) {
	case ffd.CodeShiftOpen:
		return fiscal.KindShiftOpen
	case ffd.CodeShiftClose:
		return fiscal.KindShiftClose
	case ffd.CodeReceipt, ffd.CodeBSO:
		return fiscal.KindReceipt
	case ffd.CodeCorrection, ffd.CodeBSOCorrection:
		return fiscal.KindCorrection
	}
	return ""
}

// Uint is the number in a requisite of the document.
func (d Document) Uint(tag ffd.Tag) (uint64, bool) { return uintOf(d.Body, tag) }

// Text is a text of the document without the padding of fixed texts.
func (d Document) Text(tag ffd.Tag) string {
	if e := ffd.Find(d.Body, tag); e != nil {
		return strings.TrimRight(e.Text(), " \x00")
	}
	return ""
}

// Fill takes what the document tells of its receipt; what is missing stays.
func (d Document) Fill(r *fiscal.Receipt) {
	if e := ffd.Find(d.Body, 1012); e != nil {
		if at, err := e.Time(); err == nil {
			r.At = at
		}
	}
	if e := ffd.Find(d.Body, 1077); e != nil && r.FP == 0 {
		_, r.FP, _ = e.Sign()
	}
	for tag, to := range map[ffd.Tag]*uint32{1038: &r.Shift, 1042: &r.Number} {
		if v, ok := d.Uint(tag); ok {
			*to = uint32(v)
		}
	}
	if s := d.Text(1037); s != "" {
		r.RegNumber = s
	}
}

// Machine is what the document says of the machine.
func (d Document) Machine() (m fiscal.Machine) {
	for tag, to := range map[ffd.Tag]*string{1036: &m.Serial, 1009: &m.Address, 1187: &m.Place} {
		if e := ffd.Find(d.Body, tag); e != nil {
			*to = e.Text()
		}
	}
	return m
}

func uintOf(es []ffd.Element, tag ffd.Tag) (uint64, bool) {
	e := ffd.Find(es, tag)
	if e == nil {
		return 0, false
	}
	v, err := e.Uint()
	return v, err == nil
}
