package register

import (
	"math/big"
	"time"

	"github.com/chekomat/chekomat/testbench/fn"
)

// receipt is the open receipt. It survives power loss.
type receipt struct {
	Type     byte   `json:"type"` // of 8Dh: 0 sale, 1 purchase, 2 return of sale, 3 return of purchase
	FN       string `json:"fn"`
	Base     uint32 `json:"base"` // last ФД before it
	Items    []item `json:"items,omitempty"`
	Tags     []byte `json:"tags,omitempty"` // chain of FF0Ch
	Operator byte   `json:"operator"`
	// Until is set for another operator's receipt: nobody else may touch it
	// before, and it is cancelled then.
	Until time.Time `json:"until,omitzero"`
	// Correction is set by FF35h. Until the first position comes nothing tells
	// its operation, and the mode stays that of the shift.
	Correction bool `json:"correction,omitempty"`
}

// kind is the document of the ФН.
func (r *receipt) kind() fn.Current {
	if r.Correction {
		return fn.CurrentCorrection
	}
	return fn.CurrentReceipt
}

func (r *receipt) started() bool { return !r.Correction || len(r.Items) > 0 }

// item is one FF46h and its FF4Dh.
type item struct {
	Quantity uint64 `json:"quantity"` // x 1000000
	Price    int64  `json:"price"`
	Sum      int64  `json:"sum"`
	VAT      int64  `json:"vat"`
	Rate     byte   `json:"rate"` // 1199
	Method   byte   `json:"method"`
	Subject  byte   `json:"subject"`
	Name     string `json:"name"`
	Tags     []byte `json:"tags,omitempty"`
}

// maxItems is the size of the receipt buffer.
const maxItems = 200

// operationOf maps the type of 8Dh to tag 1054.
var operationOf = [4]byte{1, 3, 2, 4}

// typeOf maps tag 1054 to the type of 8Dh.
var typeOf = [5]byte{0, 0, 2, 1, 3}

func (r *receipt) total() (sum int64) {
	for _, i := range r.Items {
		sum += i.Sum
	}
	return sum
}

// mayOpenReceipt answers what 8Dh meets in each mode.
func (d *device) mayOpenReceipt() byte {
	switch d.mode() & 0x0F {
	case 2:
		return errNone
	case 3:
		return errShiftTooLong
	case 4:
		return errShiftClosed
	case 8:
		return errReceiptOpen
	}
	return errMode
}

func (d *device) openReceipt(c *call) byte {
	if c.args[0] > 3 {
		return errBadParameter
	}
	if d.mode()&0x0F == 4 && d.numberAt(tableEmbedded, 1, 13) == 2 {
		// Automatic opening before the first receipt (table 24 field 13).
		if _, code := d.finishShift(fn.CurrentShiftOpen); code != errNone {
			return code
		}
	}
	c.bytes(c.operator)
	return d.startReceipt(c.args[0], c.operator)
}

func (d *device) startReceipt(kind, operator byte) byte {
	if code := d.mayOpenReceipt(); code != errNone {
		return code
	}
	base := d.fn.Status().LastFD
	if err := d.fn.Begin(fn.CurrentReceipt, d.now()); err != nil {
		return fnCode(err)
	}
	d.nv.Receipt, d.dirty = &receipt{Type: kind, FN: d.fn.Serial(), Base: base, Operator: operator}, true
	return errNone
}

// uint of 5 or 6 little-endian bytes.
func littleEndian(b []byte) (v int64) {
	for i := len(b) - 1; i >= 0; i-- {
		v = v<<8 | int64(b[i])
	}
	return v
}

// computed is FFFFFFFFFFh: the register is to compute the amount.
const computed = 1<<40 - 1

func (d *device) operation(c *call) byte {
	a := c.args
	op := a[0]
	if op < 1 || op > 4 {
		return errBadParameter
	}
	quantity, price, sum, tax := littleEndian(a[1:7]), littleEndian(a[7:12]), littleEndian(a[12:17]), littleEndian(a[17:22])
	rate, ok := vatCode(a[22])
	switch {
	case !ok, a[23] > 16, a[24] < 1 || a[24] > 7, a[25] < 1, quantity == 0:
		return errBadParameter
	case len(a) > 26+128, badText(a[26:]):
		return errBadParameter
	}
	exact, ok := multiply(price, quantity)
	if !ok {
		return errMultiply
	}
	if sum == computed {
		sum = exact
	} else if sum < exact-1 || sum > exact+1 {
		return errBadParameter
	}
	switch r := d.nv.Receipt; {
	case r != nil && !r.started():
		if code := d.mayOpenReceipt(); code != errNone {
			return code
		}
		r.Type = typeOf[op] // the first position tells
	case d.mode()&0x0F != 8:
		// FF46h opens the receipt itself when 8Dh was not sent.
		if code := d.startReceipt(typeOf[op], c.operator); code != errNone {
			return code
		}
	}
	r := d.nv.Receipt
	switch {
	case operationOf[r.Type] != op:
		return errOtherType
	case len(r.Items) >= maxItems:
		return errBufferFull
	case r.total()+sum > computed-1:
		return errTotalRange
	}
	if tax == computed {
		tax = vatOf(sum, rate)
	}
	name := fromCP1251(trimPad(a[26:]))
	r.Items = append(r.Items, item{Quantity: uint64(quantity), Price: price, Sum: sum, VAT: tax, Rate: rate, Method: a[24], Subject: a[25], Name: name})
	d.dirty = true
	return errNone
}

// trimPad drops the padding of clients that send the full 128 bytes of a name,
// and the mark // of an unprinted one.
func trimPad(b []byte) []byte {
	for len(b) > 0 && (b[len(b)-1] == 0 || b[len(b)-1] == ' ') {
		b = b[:len(b)-1]
	}
	if len(b) > 2 && b[0] == '/' && b[1] == '/' {
		b = b[2:]
	}
	return b
}

// multiply is price x quantity rounded half up (ffd.md §8.1).
func multiply(price, quantity int64) (int64, bool) {
	v := new(big.Int).Mul(big.NewInt(price), big.NewInt(quantity))
	v.Add(v, big.NewInt(500_000)).Quo(v, big.NewInt(1_000_000))
	return v.Int64(), v.IsInt64() && v.Int64() < computed
}

// vatOf is the VAT inside a gross sum (ffd.md §8.2): S x r / (100 + r).
func vatOf(sum int64, rate byte) int64 {
	var r int64
	switch rate {
	case 1, 3:
		r = 20
	case 2, 4:
		r = 10
	case 7, 9:
		r = 5
	case 8, 10:
		r = 7
	case 11, 12:
		r = 22
	}
	return (2*sum*r + 100 + r) / (2 * (100 + r))
}

func (d *device) subtotal(c *call) byte {
	c.bytes(c.operator)
	c.money5(d.nv.Receipt.total())
	return errNone
}

func (d *device) cancelReceipt(c *call) byte {
	_ = d.fn.Cancel() // the ФН may have lost it already
	d.nv.Receipt, d.dirty = nil, true
	d.nv.Through++
	c.bytes(c.operator)
	return errNone
}

// sendTLV is FF0Ch: requisites of the open receipt, or of a shift report begun
// by FF41h or FF42h.
func (d *device) sendTLV(c *call) byte {
	return d.takeTLV(c.args)
}

func (d *device) takeTLV(tlv []byte) byte {
	r := d.nv.Receipt
	if r == nil {
		switch d.fn.Status().Current {
		case fn.CurrentNone:
			return byte(fn.WrongState)
		case fn.CurrentRegistration, fn.CurrentReplacement, fn.CurrentChange:
			if code := checkTags(tlv, d.regTags, registrationTags); code != errNone {
				return code
			}
			d.regTags = append(d.regTags, tlv...)
			return errNone
		}
		if code := checkTags(tlv, nil, shiftTags); code != errNone {
			return code
		}
		return fnCode(d.fn.Data(tlv))
	}
	allowed := receiptTags
	if r.Correction {
		allowed = correctionTags
	}
	if code := checkTags(tlv, r.Tags, allowed); code != errNone {
		return code
	}
	fixed := map[uint16]bool{1009: d.cfg.Address != "", 1187: d.cfg.Place != "", 1036: d.cfg.MachineFrom == "table", 1227: d.cfg.FFD == 4, 1228: d.cfg.FFD == 4}
	code := errNone
	fn.Elements(tlv, func(tag uint16, _ []byte) bool {
		if fixed[tag] {
			code = errBadParameter
		}
		return code == errNone
	})
	if code != errNone {
		return code
	}
	r.Tags, d.dirty = append(r.Tags, tlv...), true
	return errNone
}

func (d *device) itemTLV(c *call) byte {
	return d.takeItemTLV(c.args)
}

func (d *device) takeItemTLV(tlv []byte) byte {
	r := d.nv.Receipt
	if r == nil || len(r.Items) == 0 {
		return errBadParameter
	}
	i := &r.Items[len(r.Items)-1]
	if code := checkTags(tlv, i.Tags, itemTags); code != errNone {
		return code
	}
	if d.cfg.FFD != 4 && hasTag(tlv, 2000) || d.cfg.FFD == 4 && hasTag(tlv, 1162) {
		return errBadParameter
	}
	i.Tags, d.dirty = append(i.Tags, tlv...), true
	return errNone
}

func hasTag(chain []byte, want uint16) (found bool) {
	fn.Elements(chain, func(tag uint16, _ []byte) bool {
		found = tag == want
		return !found
	})
	return found
}
