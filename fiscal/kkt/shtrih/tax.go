package shtrih

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/chekomat/chekomat/fiscal"
)

// TaxBytes maps a rate to the tax byte of FF46h. Sources disagree about the
// coding (kkt-shtrih 6.1), so it is a setting, and the first receipt of each
// rate is read back.
type TaxBytes map[fiscal.VAT]byte

// MaskTaxBytes is the bit mask of the vendor's sources: 1 shl (group-1) for the
// first six, 81h.. for 5 and 7 %, "others C0h + group number". The bytes of
// 22 % follow that last rule for groups 11 and 12; no source states them.
func MaskTaxBytes() TaxBytes {
	return TaxBytes{
		fiscal.VAT20: 0x01, fiscal.VAT10: 0x02, fiscal.VAT0: 0x04, fiscal.VATNone: 0x08,
		fiscal.VAT20120: 0x10, fiscal.VAT10110: 0x20,
		fiscal.VAT5: 0x81, fiscal.VAT7: 0x82, fiscal.VAT5105: 0x84, fiscal.VAT7107: 0x90,
		fiscal.VAT22: 0xcb, fiscal.VAT22122: 0xcc,
	}
}

// IndexTaxBytes is the group's number as some clients send it: 1..6 in the
// order of the register's tax table (20, 10, 0, none, 20/120, 10/110).
func IndexTaxBytes() TaxBytes {
	return TaxBytes{
		fiscal.VAT20: 1, fiscal.VAT10: 2, fiscal.VAT0: 3, fiscal.VATNone: 4,
		fiscal.VAT20120: 5, fiscal.VAT10110: 6,
	}
}

// ParseTaxBytes reads the vat setting: "mask" (default) or "index", then any
// number of ",<code of 1199>:<byte in hex>", for instance "mask,11:01".
func ParseTaxBytes(s string) (TaxBytes, error) {
	scheme, rest, _ := strings.Cut(s, ",")
	var t TaxBytes
	switch scheme {
	case "", "mask":
		t = MaskTaxBytes()
	case "index":
		t = IndexTaxBytes()
	default:
		return nil, fmt.Errorf("vat=%q: begins with neither mask nor index", s)
	}
	for pair := range strings.SplitSeq(rest, ",") {
		if pair == "" {
			continue
		}
		code, hexByte, _ := strings.Cut(pair, ":")
		rate, err := strconv.ParseUint(code, 10, 8)
		b, err2 := strconv.ParseUint(hexByte, 16, 8)
		if err != nil || err2 != nil || !fiscal.VAT(rate).Known() {
			return nil, fmt.Errorf("vat=%q: %q is not <1..12>:<byte in hex>", s, pair)
		}
		t[fiscal.VAT(rate)] = byte(b)
	}
	return t, nil
}
