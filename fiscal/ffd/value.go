package ffd

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"time"

	"github.com/chekomat/chekomat/fiscal/charset"
)

// Quantity is a decimal of an FVLN: Mantissa / 10^Places.
type Quantity struct {
	Mantissa uint64
	Places   uint8 // 0..7
}

// String prints the number with its places: "1.000".
func (q Quantity) String() string {
	s := strconv.FormatUint(q.Mantissa, 10)
	if q.Places == 0 {
		return s
	}
	for len(s) <= int(q.Places) {
		s = "0" + s
	}
	at := len(s) - int(q.Places)
	return s[:at] + "." + s[at:]
}

// Micro is the number in millionths; ok is false when it has no exact value in
// them or does not fit.
func (q Quantity) Micro() (micro int64, ok bool) {
	m := q.Mantissa
	for p := q.Places; p < 6; p++ {
		if m > 1<<60/10 {
			return 0, false
		}
		m *= 10
	}
	for p := q.Places; p > 6; p-- {
		if m%10 != 0 {
			return 0, false
		}
		m /= 10
	}
	return int64(m), m < 1<<62
}

// Micro makes a quantity of millionths with the fewest places.
func Micro(micro int64) Quantity {
	q := Quantity{uint64(micro), 6}
	for q.Places > 0 && q.Mantissa%10 == 0 {
		q.Mantissa /= 10
		q.Places--
	}
	return q
}

// AppendVLN writes v without its high zero bytes; zero is one byte 00.
func AppendVLN(dst []byte, v uint64) []byte {
	dst = append(dst, byte(v))
	for v >>= 8; v != 0; v >>= 8 {
		dst = append(dst, byte(v))
	}
	return dst
}

// ParseVLN reads all of b: 0 to 8 bytes, high zero bytes allowed (a debug ФН
// writes zero with no byte, some registers with five).
func ParseVLN(b []byte) (uint64, error) {
	if len(b) > 8 {
		return 0, fmt.Errorf("%w: VLN of %d bytes", ErrTLV, len(b))
	}
	var v uint64
	for i, c := range b {
		v |= uint64(c) << (8 * i)
	}
	return v, nil
}

// AppendFVLN writes the places and the mantissa.
func AppendFVLN(dst []byte, q Quantity) []byte { return AppendVLN(append(dst, q.Places), q.Mantissa) }

// ParseFVLN reads all of b.
func ParseFVLN(b []byte) (Quantity, error) {
	if len(b) == 0 || b[0] > 7 {
		return Quantity{}, fmt.Errorf("%w: FVLN % x", ErrTLV, b)
	}
	m, err := ParseVLN(b[1:])
	return Quantity{m, b[0]}, err
}

// Num makes an element of type Byte, Flag, U16, U32, Bits or VLN, in the
// length the tag table says.
func Num(t Tag, v uint64) Element {
	info, ok := Lookup(t)
	if !ok {
		return Element{Tag: t, Value: AppendVLN(nil, v)}
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], v)
	switch info.Type {
	case Byte, Flag:
		return Element{Tag: t, Value: b[:1:1]}
	case U16:
		return Element{Tag: t, Value: b[:2:2]}
	case U32, Time:
		return Element{Tag: t, Value: b[:4:4]}
	case Bits:
		return Element{Tag: t, Value: b[:info.Max:info.Max]}
	}
	return Element{Tag: t, Value: AppendVLN(nil, v)}
}

// Str makes an element of type Text or FixedText (padded with spaces).
func Str(t Tag, s string) (Element, error) {
	b, err := charset.CP866(s)
	if err != nil {
		return Element{}, fmt.Errorf("tag %d: %w", t, err)
	}
	if info, ok := Lookup(t); ok {
		if info.Max > 0 && len(b) > info.Max {
			return Element{}, fmt.Errorf("tag %d: %d characters, at most %d", t, len(b), info.Max)
		}
		for info.Type == FixedText && len(b) < info.Max {
			b = append(b, ' ')
		}
	}
	return Element{Tag: t, Value: b}, nil
}

// Clock makes a Time element of the digits of at's wall clock, whatever its zone.
func Clock(t Tag, at time.Time) Element {
	wall := time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), 0, time.UTC)
	return Element{Tag: t, Value: binary.LittleEndian.AppendUint32(nil, uint32(wall.Unix()))}
}

// Amount makes an FVLN element.
func Amount(t Tag, q Quantity) Element { return Element{Tag: t, Value: AppendFVLN(nil, q)} }

// Struct makes a structure.
func Struct(t Tag, nested ...Element) Element {
	if nested == nil {
		nested = []Element{}
	}
	return Element{Tag: t, Nested: nested}
}

// Sign makes 1077 of a fiscal sign: prefix (3104h in receipts, 2104h in
// registrations), then the number big-endian.
func Sign(prefix uint16, fp uint32) Element {
	b := binary.BigEndian.AppendUint16(nil, prefix)
	return Element{Tag: 1077, Value: binary.BigEndian.AppendUint32(b, fp)}
}

// Uint reads any integer type: 0 to 8 bytes LE.
func (e Element) Uint() (uint64, error) {
	v, err := ParseVLN(e.Value)
	if err != nil {
		return 0, fmt.Errorf("tag %d: %w", e.Tag, err)
	}
	return v, nil
}

// Text reads a CP866 text; the padding of fixed texts is kept.
func (e Element) Text() string { return charset.FromCP866(e.Value) }

// Time reads a Time value: the wall clock's digits in time.UTC.
func (e Element) Time() (time.Time, error) {
	if len(e.Value) != 4 {
		return time.Time{}, fmt.Errorf("%w: tag %d: time of %d bytes", ErrTLV, e.Tag, len(e.Value))
	}
	return time.Unix(int64(binary.LittleEndian.Uint32(e.Value)), 0).UTC(), nil
}

// Quantity reads an FVLN.
func (e Element) Quantity() (Quantity, error) { return ParseFVLN(e.Value) }

// Sign reads 1077: prefix and fiscal sign.
func (e Element) Sign() (prefix uint16, fp uint32, err error) {
	if len(e.Value) != 6 {
		return 0, 0, fmt.Errorf("%w: tag %d: sign of %d bytes", ErrTLV, e.Tag, len(e.Value))
	}
	return binary.BigEndian.Uint16(e.Value), binary.BigEndian.Uint32(e.Value[2:]), nil
}
