package fn

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Type is the code of a fiscal document (ffd.md §1).
type Type uint16

// Documents this ФН makes.
const (
	TypeRegistration Type = 1
	TypeShiftOpen    Type = 2
	TypeReceipt      Type = 3
	TypeShiftClose   Type = 5
	// TypeClose is the closing of the ФН.
	TypeClose          Type = 6
	TypeReregistration Type = 11
	TypeState          Type = 21 // state of settlements
	TypeCorrection     Type = 31
)

func (t Type) String() string {
	switch t {
	case TypeRegistration:
		return "registration"
	case TypeShiftOpen:
		return "shift_open"
	case TypeReceipt:
		return "receipt"
	case TypeShiftClose:
		return "shift_close"
	case TypeClose:
		return "fn_close"
	case TypeReregistration:
		return "reregistration"
	case TypeState:
		return "state"
	case TypeCorrection:
		return "correction"
	default:
		return fmt.Sprintf("document_%d", uint16(t))
	}
}

// Document is a document of the archive: what the bench asks about, and the
// whole TLV it was read from. Money is in kopecks.
type Document struct {
	FN         string           `json:"fn"`
	Type       Type             `json:"type"`
	Name       string           `json:"type_name"`
	FD         uint32           `json:"fd"`                  // 1040
	FP         uint32           `json:"fp"`                  // 1077 as a number
	At         time.Time        `json:"time"`                // 1012, digits of the register's wall clock
	Shift      uint32           `json:"shift,omitempty"`     // 1038
	Receipt    uint32           `json:"receipt,omitempty"`   // 1042
	Operation  byte             `json:"operation,omitempty"` // 1054
	Sum        int64            `json:"sum"`                 // 1020
	FFD        byte             `json:"ffd,omitempty"`       // 1209
	INN        string           `json:"inn,omitempty"`       // 1018
	RNM        string           `json:"rnm,omitempty"`       // 1037
	KeyName    string           `json:"key_name,omitempty"`  // 1085
	Key        string           `json:"key,omitempty"`       // 1086
	Extra      string           `json:"extra,omitempty"`     // 1192
	Machine    string           `json:"machine,omitempty"`   // 1036
	Address    string           `json:"address,omitempty"`   // 1009
	Place      string           `json:"place,omitempty"`     // 1187
	Buyer      string           `json:"buyer,omitempty"`     // 1008
	Tax        byte             `json:"tax_system,omitempty"`
	TaxSet     byte             `json:"tax_systems,omitempty"` // 1062
	Mode       byte             `json:"mode,omitempty"`        // work mode bits of a registration
	Paid       map[string]int64 `json:"paid,omitempty"`        // by tag: 1031 1081 1215 1216 1217
	VAT        map[string]int64 `json:"vat,omitempty"`         // by tag: 1102..1107
	Rates      []Rate           `json:"vat_rates,omitempty"`   // 1115
	Items      []Item           `json:"items,omitempty"`       // 1059
	Reasons    uint32           `json:"reasons,omitempty"`     // 1205, or a bit by each code of 1101
	Correction *Correction      `json:"correction,omitempty"`  // 1173 and 1174
	Confirmed  bool             `json:"confirmed"`
	QR         string           `json:"qr,omitempty"`
	TLV        HexBytes         `json:"tlv"`
}

// Correction is why a correction was made.
type Correction struct {
	Type   byte      `json:"type"`             // 1173: 0 own initiative, 1 by order
	Date   time.Time `json:"date"`             // 1178
	Number string    `json:"number,omitempty"` // 1179
}

// Rate is the VAT of one rate inside 1115.
type Rate struct {
	Rate byte  `json:"rate"` // 1199
	Sum  int64 `json:"sum"`  // 1120
}

// Item is one 1059.
type Item struct {
	Name     string `json:"name"`
	Price    int64  `json:"price"`
	Quantity string `json:"quantity"` // decimal
	Sum      int64  `json:"sum"`
	Rate     byte   `json:"rate"`
	VAT      int64  `json:"vat"`
	Method   byte   `json:"method"`            // 1214
	Subject  byte   `json:"subject"`           // 1212
	Mark     string `json:"mark,omitempty"`    // inside 1163, 1162 in hexadecimal before 1.2
	Marked   bool   `json:"marked,omitempty"`  // 2106 is there: the ФН took it out of 2000
	Vending  bool   `json:"vending,omitempty"` // mode=vend in 1260 or 1191
}

// HexBytes are bytes shown as hexadecimal text.
type HexBytes []byte

// MarshalText writes lower-case hexadecimal.
func (h HexBytes) MarshalText() ([]byte, error) {
	return []byte(hex.EncodeToString(h)), nil
}

// UnmarshalText reads hexadecimal.
func (h *HexBytes) UnmarshalText(b []byte) (err error) {
	*h, err = hex.DecodeString(string(b))
	return err
}

// Decode reads a document with its head. Unknown requisites are skipped.
func Decode(b []byte) (Document, error) {
	if len(b) < 4 || int(binary.LittleEndian.Uint16(b[2:])) != len(b)-4 {
		return Document{}, fmt.Errorf("document of %d bytes: bad head", len(b))
	}
	d := Document{Type: Type(binary.LittleEndian.Uint16(b)), TLV: b}
	d.Name = d.Type.String()
	if !Elements(b[4:], func(tag uint16, v []byte) bool { d.take(tag, v); return true }) {
		return Document{}, fmt.Errorf("document %d: broken TLV chain", d.FD)
	}
	if d.Type == TypeReceipt || d.Type == TypeCorrection {
		d.QR = fmt.Sprintf("t=%s&s=%d.%02d&fn=%s&i=%d&fp=%d&n=%d", d.At.Format("20060102T1504"), d.Sum/100, d.Sum%100, d.FN, d.FD, d.FP, d.Operation)
	}
	return d, nil
}

func (d *Document) take(tag uint16, v []byte) {
	switch tag {
	case 1041:
		d.FN = fromCP866(v)
	case 1037:
		d.RNM = trimmed(v)
	case 1018:
		d.INN = trimmed(v)
	case 1040:
		d.FD = uint32(number(v))
	case 1012:
		d.At = time.Unix(int64(uint32(number(v))), 0).UTC()
	case 1077:
		if len(v) == 6 {
			d.FP = binary.BigEndian.Uint32(v[2:])
		}
	case 1038:
		d.Shift = uint32(number(v))
	case 1042:
		d.Receipt = uint32(number(v))
	case 1054:
		d.Operation = byte(number(v))
	case 1020:
		d.Sum = int64(number(v) & (1<<48 - 1))
	case 1209:
		d.FFD = byte(number(v))
	case 1055:
		d.Tax = byte(number(v))
	case 1062:
		d.TaxSet = byte(number(v))
	case 1056:
		d.mode(0, v)
	case 1002:
		d.mode(1, v)
	case 1001:
		d.mode(2, v)
	case 1109:
		d.mode(3, v)
	case 1110:
		d.mode(4, v)
	case 1108:
		d.mode(5, v)
	case 1205:
		d.Reasons = uint32(number(v))
	case 1101:
		d.Reasons |= 1 << (number(v) & 31)
	case 1173:
		d.correction().Type = byte(number(v))
	case 1174:
		c := d.correction()
		Elements(v, func(tag uint16, v []byte) bool {
			switch tag {
			case 1178:
				c.Date = time.Unix(int64(uint32(number(v))), 0).UTC()
			case 1179:
				c.Number = fromCP866(v)
			}
			return true
		})
	case 1192:
		d.Extra = fromCP866(v)
	case 1036:
		d.Machine = fromCP866(v)
	case 1009:
		d.Address = fromCP866(v)
	case 1187:
		d.Place = fromCP866(v)
	case 1008:
		d.Buyer = fromCP866(v)
	case 1031, 1081, 1215, 1216, 1217:
		put(&d.Paid, tag, v)
	case 1102, 1103, 1104, 1105, 1106, 1107:
		put(&d.VAT, tag, v)
	case 1084:
		Elements(v, func(tag uint16, v []byte) bool {
			switch tag {
			case 1085:
				d.KeyName = fromCP866(v)
			case 1086:
				d.Key = fromCP866(v)
			}
			return true
		})
	case 1115:
		Elements(v, func(tag uint16, v []byte) bool {
			if tag == 1119 {
				d.Rates = append(d.Rates, decodeRate(v))
			}
			return true
		})
	case 1059:
		d.Items = append(d.Items, decodeItem(v))
	}
}

func (d *Document) mode(bit uint, v []byte) {
	if number(v) != 0 {
		d.Mode |= 1 << bit
	}
}

func (d *Document) correction() *Correction {
	if d.Correction == nil {
		d.Correction = &Correction{}
	}
	return d.Correction
}

func put(m *map[string]int64, tag uint16, v []byte) {
	if *m == nil {
		*m = map[string]int64{}
	}
	(*m)[fmt.Sprint(tag)] = int64(number(v) & (1<<48 - 1))
}

func decodeRate(b []byte) (r Rate) {
	Elements(b, func(tag uint16, v []byte) bool {
		switch tag {
		case 1199:
			r.Rate = byte(number(v))
		case 1120:
			r.Sum = int64(number(v) & (1<<48 - 1))
		}
		return true
	})
	return r
}

// vending marks an item sold by a machine without a check of its code
// (ffd.md §11.1).
const vending = "mode=vend"

func decodeItem(b []byte) (i Item) {
	Elements(b, func(tag uint16, v []byte) bool {
		money := int64(number(v) & (1<<48 - 1))
		switch tag {
		case 1030:
			i.Name = fromCP866(v)
		case 1079:
			i.Price = money
		case 1023:
			i.Quantity = quantity(v)
		case 1043:
			i.Sum = money
		case 1199:
			i.Rate = byte(money)
		case 1200:
			i.VAT = money
		case 1214:
			i.Method = byte(money)
		case 1212:
			i.Subject = byte(money)
		case 1162:
			i.Mark = hex.EncodeToString(v)
		case 1163:
			Elements(v, func(_ uint16, v []byte) bool {
				i.Mark = fromCP866(v)
				return true
			})
		case 2106:
			i.Marked = true
		case 1191:
			i.Vending = i.Vending || strings.Contains(fromCP866(v), vending)
		case 1260:
			Elements(v, func(tag uint16, v []byte) bool {
				i.Vending = i.Vending || tag == 1265 && strings.Contains(fromCP866(v), vending)
				return true
			})
		}
		return true
	})
	return i
}

// quantity writes an FVLN without trailing zeros: 06 40 42 0F is "1".
func quantity(v []byte) string {
	if len(v) < 2 || v[0] > 7 {
		return ""
	}
	m, places := number(v[1:]), int(v[0])
	for places > 0 && m%10 == 0 {
		m, places = m/10, places-1
	}
	s := fmt.Sprintf("%0*d", places+1, m)
	if places == 0 {
		return s
	}
	return s[:len(s)-places] + "." + s[len(s)-places:]
}

func trimmed(b []byte) string {
	s := fromCP866(b)
	for len(s) > 0 && s[len(s)-1] == ' ' {
		s = s[:len(s)-1]
	}
	return s
}

// Len is the number of documents in the archive, which is the last ФД too.
func (f *FN) Len() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.docs)
}

// Document returns a document by its ФД; NoData when there is none.
func (f *FN) Document(fd uint32) (Document, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fd == 0 || int64(fd) > int64(len(f.docs)) {
		return Document{}, NoData
	}
	return f.view(int(fd) - 1), nil
}

// Documents returns the documents with ФД in [from, to]; 0 as to means all.
func (f *FN) Documents(from, to uint32) []Document {
	f.mu.Lock()
	defer f.mu.Unlock()
	last := len(f.docs)
	if to != 0 {
		last = min(last, int(to))
	}
	var out []Document
	for i := max(int(from), 1) - 1; i < last; i++ {
		out = append(out, f.view(i))
	}
	return out
}

// FindKey returns every document that carries the key in 1086.
func (f *FN) FindKey(key string) []Document {
	return slices.DeleteFunc(f.Documents(1, 0), func(d Document) bool { return d.Key != key })
}

func (f *FN) view(i int) Document {
	d := f.docs[i]
	d.Confirmed = i < f.confirmed
	return d
}
