package fiscal

import (
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The table of the FFD reference, 8.2: gross, then VAT at 5, 7, 10, 20, 22 %.
func TestVATOf(t *testing.T) {
	rates := []VAT{VAT5, VAT7, VAT10, VAT20, VAT22}
	for _, row := range [][6]Kopecks{
		{4000, 190, 262, 364, 667, 721},
		{5000, 238, 327, 455, 833, 902},
		{6000, 286, 393, 545, 1000, 1082},
		{8500, 405, 556, 773, 1417, 1533},
		{9999, 476, 654, 909, 1667, 1803},
		{12050, 574, 788, 1095, 2008, 2173},
		{3990, 190, 261, 363, 665, 720},
		{6999, 333, 458, 636, 1167, 1262},
		{3, 0, 0, 0, 1, 1}, // 0.5 kopeck of 20 % is a tie: up
	} {
		for i, v := range rates {
			if got := v.Of(row[0]); got != row[i+1] {
				t.Errorf("%s of %d: %d, want %d", v, row[0], got, row[i+1])
			}
		}
	}
	for _, v := range []VAT{VAT0, VATNone, 0, 99} {
		if got := v.Of(10000); got != 0 {
			t.Errorf("%s: %d", v, got)
		}
	}
}

// Of agrees with exact arithmetic on any sum, and a calculated rate gives the
// same number as its rate.
func TestVATOfExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sum := rapid.Int64Range(0, 1<<62).Draw(t, "sum")
		v := VAT(rapid.IntRange(1, 12).Draw(t, "rate"))
		r := v.Percent()
		num := new(big.Int).Mul(big.NewInt(sum), big.NewInt(2*r))
		num.Add(num, big.NewInt(100+r))
		want := num.Div(num, big.NewInt(2*(100+r))).Int64()
		if got := v.Of(sum); got != want {
			t.Fatalf("%s of %d: %d, want %d", v, sum, got, want)
		}
		if v.Of(-sum) != -want {
			t.Fatal("negative sum")
		}
		for plain, calculated := range map[VAT]VAT{VAT20: VAT20120, VAT10: VAT10110, VAT5: VAT5105, VAT7: VAT7107, VAT22: VAT22122} {
			if plain.Of(sum) != calculated.Of(sum) || plain.Calculated() || !calculated.Calculated() {
				t.Fatal(plain, calculated)
			}
		}
	})
}

func TestRatesInForce(t *testing.T) {
	day := func(s string) time.Time {
		at, err := time.ParseInLocation(time.DateTime, s, time.FixedZone("VLAT", 10*3600))
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for _, c := range []struct {
		at    string
		rate  VAT
		valid bool
	}{
		{"2025-12-31 23:59:59", VAT20, true},
		{"2026-01-01 00:00:00", VAT20, false},
		{"2026-01-01 00:00:00", VAT20120, false},
		{"2025-12-31 23:59:59", VAT22, false},
		{"2026-01-01 00:00:00", VAT22, true},
		{"2026-01-01 00:00:00", VAT22122, true},
		{"2024-12-31 23:59:59", VAT5, false},
		{"2025-01-01 00:00:00", VAT7107, true},
		{"2018-12-31 12:00:00", VAT20, false},
		{"2030-01-01 00:00:00", VAT10, true},
		{"2030-01-01 00:00:00", VATNone, true},
		{"2030-01-01 00:00:00", 13, false},
	} {
		if got := c.rate.ValidOn(day(c.at)); got != c.valid {
			t.Errorf("%s on %s: %v", c.rate, c.at, got)
		}
	}
	if StandardVAT(day("2025-12-31 23:59:59")) != VAT20 || StandardVAT(day("2026-01-01 00:00:00")) != VAT22 {
		t.Error("the standard rate changes at midnight of the machine's own zone")
	}
	if VAT22.Name("ru") != "НДС 22%" || VATNone.Name("ru") != "НДС не облагается" {
		t.Error(VAT22.Name("ru"), VATNone.Name("ru"))
	}
}
