package api

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/fiscal"
	"github.com/chekomat/chekomat/fiscal/charset"
	"github.com/chekomat/chekomat/fiscal/kkt"
	"github.com/chekomat/chekomat/hub/api/contract"
)

// checks gathers every fault of a body, so that a person mends them in one go.
type checks struct{ faults []fieldFault }

func (v *checks) add(code, field string) { v.faults = append(v.faults, fieldFault{code, field}) }

func (v *checks) that(ok bool, code, field string) {
	if !ok {
		v.add(code, field)
	}
}

// err is the first fault as the problem, all of them beside it.
func (v *checks) err() error {
	if len(v.faults) == 0 {
		return nil
	}
	p := &problem{status: http.StatusUnprocessableEntity, code: v.faults[0].code, field: v.faults[0].field}
	if len(v.faults) > 1 {
		p.faults = v.faults
	}
	return p
}

// text checks a text for people: printable, of least to most characters, no
// space around it.
func (v *checks) text(field, s string, least, most int) bool {
	n := utf8.RuneCountInString(s)
	switch {
	case n == 0 && least > 0:
		v.add("required", field)
	case n < least || n > most:
		v.add("length", field)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) || s != strings.TrimSpace(s):
		v.add("bad_text", field)
	default:
		return true
	}
	return false
}

// printed checks a text that goes into a receipt: registers know the letters
// of code page 1251 only.
func (v *checks) printed(field, s string, least, most int) {
	if !v.text(field, s, least, most) {
		return
	}
	if _, err := charset.CP1251(charset.Clean(s)); err != nil {
		v.add("not_printable", field)
	}
}

func (v *checks) zone(field, name string) {
	switch _, err := time.LoadLocation(name); {
	case name == "":
		v.add("required", field)
	case err != nil || name == "Local":
		v.add("bad_zone", field)
	}
}

func (v *checks) choice(field, s string, words ...string) bool {
	if s == "" && !slices.Contains(words, "") {
		v.add("required", field)
		return false
	}
	if !slices.Contains(words, s) {
		v.add("not_a_choice", field)
		return false
	}
	return true
}

func (v *checks) between(field string, n, least, most int64) {
	v.that(n >= least && n <= most, "out_of_range", field)
}

var (
	policies = []string{"hold", "job"}
	systems  = []string{"osn", "usn_income", "usn_income_cost", "eshn", "psn"}
	rates    = []string{"standard", "10", "5", "7", "0", "none"}
	sources  = []string{wire.SourceCash, wire.SourceReader1, wire.SourceReader2}
	flags    = []string{"excise", "marked", "technical", "forbidden"}
)

// tax checks a profile. The reduced rates 5 and 7 are of УСН payers only (НК
// art. 164 p. 8, since 2025); ПСН activity is free of VAT (НК art. 346.43).
func (v *checks) tax(field string, t contract.TaxProfile) {
	if !v.choice(field+"tax_system", t.TaxSystem, systems...) || !v.choice(field+"vat", t.VAT, rates...) {
		return
	}
	reduced := t.VAT == "5" || t.VAT == "7"
	v.that(!reduced || strings.HasPrefix(t.TaxSystem, "usn_"), "vat_not_for_system", field+"vat")
	v.that(t.TaxSystem != "psn" || t.VAT == "none", "vat_not_for_system", field+"vat")
}

func (v *checks) period(p contract.MachinePeriod) {
	v.that(p.Seller != "", "required", "seller")
	v.printed("serial", p.Serial, 1, fiscal.MaxSerial)
	v.printed("address", p.Address, 1, fiscal.MaxAddress)
	v.printed("place", p.Place, 1, fiscal.MaxPlace)
	v.zone("zone", p.Zone)
}

func (v *checks) rule(field string, r contract.MachineRule) {
	v.between(field+"stop_after_min", int64(r.StopAfterMin), 0, 10080)
	v.between(field+"show_sec", int64(r.ShowSec), 5, 600)
	v.that(r.Currency == "" || len(r.Currency) == 3 && digits(r.Currency), "bad_currency", field+"currency")
	v.choice(field+"lang", r.Lang, "ru", "en")
}

func (v *checks) fiscalizers(field string, all []contract.Fiscalizer) {
	seen := map[string]bool{}
	for i, f := range all {
		at := field + "[" + strconv.Itoa(i) + "]."
		v.choice(at+"source", f.Source, sources...)
		v.that(!seen[f.Source], "repeated", at+"source")
		seen[f.Source] = true
		v.choice(at+"who", f.Who, "us", "terminal", "not_subject")
		v.text(at+"reason", f.Reason, 0, 200)
		v.that(!f.Advance || f.Source != "cash" && f.Who == "us", "advance_needs_reader", at+"advance")
		v.that(f.Who != "not_subject" || f.Reason != "", "reason_needed", at+"reason")
	}
}

// maxPrice is what tag 1079 of every register takes of one column, kopecks.
const maxPrice = 99_999_999

// columns checks a plan and fills in what may be left out.
func (v *checks) columns(all []contract.Column) {
	v.that(len(all) <= 2000, "too_many", "columns")
	seen := map[int]bool{}
	for i := range all {
		c := &all[i]
		at := "columns[" + strconv.Itoa(i) + "]."
		if c.Subject == 0 {
			c.Subject = int(fiscal.SubjectGoods)
		}
		v.between(at+"column", int64(c.Column), -1, 65535)
		v.that(!seen[c.Column], "repeated", at+"column")
		seen[c.Column] = true
		v.printed(at+"name", c.Name, 1, fiscal.MaxName)
		v.between(at+"price", c.Price, 0, maxPrice)
		v.choice(at+"vat", c.VAT, append([]string{""}, rates...)...)
		v.between(at+"subject", int64(c.Subject), 1, 33)
		if c.GTIN != "" {
			var ok bool
			c.GTIN, ok = gtin14(c.GTIN)
			v.that(ok, "bad_gtin", at+"gtin")
		}
		for _, f := range c.Flags {
			v.choice(at+"flags", f, flags...)
		}
		slices.Sort(c.Flags)
		c.Flags = slices.Compact(c.Flags)
	}
}

// gtin14 makes a GTIN-8, 12, 13 or 14 one of 14 digits; ok says that its GS1
// check digit is right.
func gtin14(s string) (g string, ok bool) {
	if n := len(s); !digits(s) || n != 8 && (n < 12 || n > 14) {
		return s, false
	}
	g = strings.Repeat("0", 14-len(s)) + s
	sum := 0
	for i := range 13 {
		sum += int(g[i]-'0') * (3 - 2*(i%2))
	}
	return g, (10-sum%10)%10 == int(g[13]-'0')
}

func digits(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

func (v *checks) laneURL(field, raw string) {
	if raw == "" {
		v.add("required", field)
		return
	}
	_, err := kkt.Open(raw, kkt.Options{})
	v.that(err == nil, "lane_address_bad", field)
}

func (v *checks) lane(n contract.NewLane) {
	v.that(n.Seller != "", "required", "seller")
	v.text("name", n.Name, 1, 100)
	v.laneURL("url", n.URL)
	v.choice("ffd", n.FFD, "1.05", "1.1", "1.2")
	v.that(len(n.TaxSystems) > 0, "required", "tax_systems")
	for _, t := range n.TaxSystems {
		v.choice("tax_systems", t, systems...)
	}
	v.zone("zone", n.Zone)
	v.laneSettings("settings", n.Settings)
}

// laneSettings checks limits the till lives within.
func (v *checks) laneSettings(field string, s contract.LaneSettings) {
	if s.CloseAt != "" && s.CloseAt != "never" {
		_, err := time.Parse("15:04", s.CloseAt)
		v.that(err == nil && len(s.CloseAt) == len("15:04"), "bad_clock", field+".close_at")
	}
	for _, x := range []struct {
		name    string
		n, most int
	}{{"per_minute", s.PerMinute, 6000}, {"burst", s.Burst, 1000}, {"spill_ms", s.SpillMS, 60_000}, {"break_after", s.BreakAfter, 1000},
		{"break_ms", s.BreakMS, 30_000}, {"in_flight", s.InFlight, 256}} {
		v.that(x.n >= 0 && x.n <= x.most, "out_of_range", field+"."+x.name)
	}
}

// why reads a person's reason.
func (c *call) why() (string, error) {
	var b contract.Why
	if err := c.body(&b); err != nil {
		return "", err
	}
	var v checks
	v.text("why", b.Why, 1, 500)
	return b.Why, v.err()
}
