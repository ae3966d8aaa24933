package pirit

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/chekomat/chekomat/fiscal"
)

// TaxNumbers maps a rate to the tax number of 42h, an index of setting 40.
type TaxNumbers map[fiscal.VAT]int

// DocumentedTaxNumbers are those of the manual: 0 20 %, 1 10 %, 2 0 %, 3 none,
// 4 20/120, 5 10/110 (kkt-others 2.2). The numbers of 5, 7 and 22 % are in no
// edition that was read: they must be set.
func DocumentedTaxNumbers() TaxNumbers {
	return TaxNumbers{
		fiscal.VAT20: 0, fiscal.VAT10: 1, fiscal.VAT0: 2, fiscal.VATNone: 3,
		fiscal.VAT20120: 4, fiscal.VAT10110: 5,
	}
}

// ParseTaxNumbers reads the vat setting: any number of "<code of 1199>:<tax
// number>" beside the documented ones, for instance "11:6,12:7".
func ParseTaxNumbers(s string) (TaxNumbers, error) {
	t := DocumentedTaxNumbers()
	for pair := range strings.SplitSeq(s, ",") {
		if pair == "" {
			continue
		}
		code, tax, _ := strings.Cut(pair, ":")
		rate, err := strconv.ParseUint(code, 10, 8)
		n, err2 := strconv.ParseUint(tax, 10, 8)
		if err != nil || err2 != nil || n > 99 || !fiscal.VAT(rate).Known() {
			return nil, fmt.Errorf("vat=%q: %q is not <1..12>:<0..99>", s, pair)
		}
		t[fiscal.VAT(rate)] = int(n)
	}
	return t, nil
}
