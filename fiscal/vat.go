package fiscal

import (
	"fmt"
	"math/bits"
	"slices"
	"time"
)

// Kopecks is money in kopecks. An alias, so that sums add without conversions.
type Kopecks = int64

// VAT is a rate as tag 1199 codes it (FFD, table of tag 1199).
type VAT uint8

// The rates of tag 1199. Calculated rates (x/1xx) are for advances and
// prepayments (1214 = 1, 2, 3).
const (
	VAT20    VAT = 1  // 20 %, until 2025-12-31 (18 % before 2019)
	VAT10    VAT = 2  // 10 %
	VAT20120 VAT = 3  // 20/120, until 2025-12-31
	VAT10110 VAT = 4  // 10/110
	VAT0     VAT = 5  // 0 %
	VATNone  VAT = 6  // НДС не облагается
	VAT5     VAT = 7  // 5 %, special regimes, since 2025-01-01
	VAT7     VAT = 8  // 7 %, special regimes, since 2025-01-01
	VAT5105  VAT = 9  // 5/105
	VAT7107  VAT = 10 // 7/107
	VAT22    VAT = 11 // 22 %, since 2026-01-01 (law 425-FZ)
	VAT22122 VAT = 12 // 22/122
)

type vatRate struct {
	percent     int64
	calculated  bool
	from, until string // first and last day, "2006-01-02"; "" open
	ru, en      string
	total       uint16 // tag of the receipt's total: 1102..1107 or 1115 (inside 1119)
}

var vatRates = [...]vatRate{
	VAT20:    {20, false, "2019-01-01", "2025-12-31", "НДС 20%", "VAT 20%", 1102},
	VAT10:    {10, false, "", "", "НДС 10%", "VAT 10%", 1103},
	VAT20120: {20, true, "2019-01-01", "2025-12-31", "НДС 20/120", "VAT 20/120", 1106},
	VAT10110: {10, true, "", "", "НДС 10/110", "VAT 10/110", 1107},
	VAT0:     {0, false, "", "", "НДС 0%", "VAT 0%", 1104},
	VATNone:  {0, false, "", "", "НДС не облагается", "VAT exempt", 1105},
	VAT5:     {5, false, "2025-01-01", "", "НДС 5%", "VAT 5%", 1115},
	VAT7:     {7, false, "2025-01-01", "", "НДС 7%", "VAT 7%", 1115},
	VAT5105:  {5, true, "2025-01-01", "", "НДС 5/105", "VAT 5/105", 1115},
	VAT7107:  {7, true, "2025-01-01", "", "НДС 7/107", "VAT 7/107", 1115},
	VAT22:    {22, false, "2026-01-01", "", "НДС 22%", "VAT 22%", 1115},
	VAT22122: {22, true, "2026-01-01", "", "НДС 22/122", "VAT 22/122", 1115},
}

// Known says whether v is a code of tag 1199.
func (v VAT) Known() bool { return v >= 1 && int(v) < len(vatRates) }

// Percent is the rate in per cent; 0 for VAT0, VATNone and unknown codes.
func (v VAT) Percent() int64 {
	if !v.Known() {
		return 0
	}
	return vatRates[v].percent
}

// Calculated says whether v is one of the x/1xx rates.
func (v VAT) Calculated() bool { return v.Known() && vatRates[v].calculated }

// TotalTag is the receipt's tag for the total of this rate: 1102..1107, or
// 1115 for the rates that are listed inside it. 1104 and 1105 hold turnover,
// the others VAT. 0 for unknown codes.
func (v VAT) TotalTag() uint16 {
	if !v.Known() {
		return 0
	}
	return vatRates[v].total
}

// Of returns the VAT inside the gross sum (kopecks), rounded half up:
// (2*S*r + 100 + r) div (2*(100 + r)). Zero for VAT0, VATNone and unknown
// codes; negative sums give the negated VAT of their absolute value.
func (v VAT) Of(sum Kopecks) Kopecks { return percent(v.Percent()).of(sum) }

// percent is a rate in whole per cent of the net sum.
type percent int64

const vat18 percent = 18

func (p percent) of(sum Kopecks) Kopecks {
	r := int64(p)
	if r == 0 {
		return 0
	}
	if sum < 0 {
		return -p.of(-sum)
	}
	hi, lo := bits.Mul64(uint64(sum), uint64(2*r))
	lo, carry := bits.Add64(lo, uint64(100+r), 0)
	q, _ := bits.Div64(hi+carry, lo, uint64(2*(100+r)))
	return int64(q)
}

// OfOn is Of as of the local date of at: the codes of 20 % meant 18 % before
// 2019-01-01 (FFD reference, 3). A zero at is today's meaning.
func (v VAT) OfOn(sum Kopecks, at time.Time) Kopecks {
	if (v == VAT20 || v == VAT20120) && !at.IsZero() && at.Format(time.DateOnly) < "2019-01-01" {
		return vat18.of(sum)
	}
	return v.Of(sum)
}

// ForAdvance is the calculated rate (x/1xx) of an advance or a prepayment of
// goods at this rate; rates without VAT and calculated ones stay as they are.
func (v VAT) ForAdvance() VAT {
	switch v {
	case VAT20, VAT10:
		return v + 2
	case VAT5, VAT7:
		return v + 2
	case VAT22:
		return VAT22122
	}
	return v
}

// grossOf is the sum whose VAT is about vat.
func (v VAT) grossOf(vat Kopecks) Kopecks {
	r := v.Percent()
	if r == 0 || vat <= 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(vat), uint64(100+r))
	if hi >= uint64(r) {
		return 1<<63 - 1
	}
	q, _ := bits.Div64(hi, lo, uint64(r))
	return int64(min(q, 1<<63-1))
}

// ValidOn says whether the rate exists on the local date of at.
func (v VAT) ValidOn(at time.Time) bool {
	if !v.Known() {
		return false
	}
	day := at.Format(time.DateOnly)
	r := vatRates[v]
	return (r.from == "" || day >= r.from) && (r.until == "" || day <= r.until)
}

// Name is the rate's label in "ru" or "en".
func (v VAT) Name(lang string) string {
	if !v.Known() {
		return fmt.Sprintf("1199=%d", uint8(v))
	}
	if lang == "ru" {
		return vatRates[v].ru
	}
	return vatRates[v].en
}

func (v VAT) String() string { return v.Name("en") }

// StandardVAT is the general rate on the local date of at: 20 % until
// 2025-12-31, 22 % since 2026-01-01 (law 425-FZ).
func StandardVAT(at time.Time) VAT {
	if at.Format(time.DateOnly) <= "2025-12-31" {
		return VAT20
	}
	return VAT22
}

// ItemVAT is the totals of VAT a receipt of these items carries, by rate in the
// order of the codes: the sum of the items' rounded VAT, for VAT0 and VATNone
// their turnover. FFD does not fix the method; the other one, VAT of the rate's
// turnover, is accepted when receipts are read (ffd.Validate). Items of unknown
// rates are left out.
func ItemVAT(items []Item) []VATSum {
	var sums [len(vatRates)]Kopecks
	var have [len(vatRates)]bool
	for _, it := range items {
		if !it.VAT.Known() {
			continue
		}
		have[it.VAT] = true
		if it.VAT.Percent() == 0 {
			sums[it.VAT] += it.Sum
		} else {
			sums[it.VAT] += it.VAT.Of(it.Sum)
		}
	}
	var out []VATSum
	for v := range VAT(len(sums)) {
		if have[v] {
			out = append(out, VATSum{v, sums[v]})
		}
	}
	return out
}

func sortVAT(sums []VATSum) []VATSum {
	out := slices.Clone(sums)
	slices.SortStableFunc(out, func(a, b VATSum) int { return int(a.VAT) - int(b.VAT) })
	return out
}
