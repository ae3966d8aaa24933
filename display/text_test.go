package display

import (
	"math"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestMoney(t *testing.T) {
	for _, c := range []struct {
		kopecks int64
		ru, en  string
	}{
		{50, "0,50 ₽", "0.50 ₽"},
		{8500, "85,00 ₽", "85.00 ₽"},
		{100000, "1 000,00 ₽", "1,000.00 ₽"},
		{999999999, "9 999 999,99 ₽", "9,999,999.99 ₽"},
		{-8505, "−85,05 ₽", "−85.05 ₽"},
		{math.MinInt64, "−92 233 720 368 547 758,08 ₽", "−92,233,720,368,547,758.08 ₽"},
	} {
		for lang, want := range map[string]string{Russian: c.ru, English: c.en} {
			if got := strings.ReplaceAll(money(c.kopecks, lang), "\u00a0", " "); got != want {
				t.Errorf("%d in %s: %q, want %q", c.kopecks, lang, got, want)
			}
		}
	}
}

func TestLegible(t *testing.T) {
	f := fonts()
	for _, c := range []struct{ in, want string }{
		{"  Кофе \n\t американо  ", "Кофе американо"},
		{"и\u0306од", "йод"}, // composed
		{"ко\u0301фе", "кофе"},
		{"Шоколад 🍫 молочный", "Шоколад молочный"},
		{"a\x00b\u202ec", "abc"},
		{"Қымыз", "Кымыз"},
		{"ﬁne ½", "ﬁne ½"},
		{"漢字", "□□"},
		{"\xff\xfe", ""},
		{"🍫", ""},
		{"85\u202f₽", "85\u00a0₽"},
	} {
		if got := f.legible(c.in); got != c.want {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
	}
	if got := f.legible(strings.Repeat("Щ", 100000)); len(got) > maxTextBytes || !utf8.ValidString(got) {
		t.Errorf("a huge text stays %d bytes", len(got))
	}
}

// Every text of ours can be shown with both kinds of letters.
func TestOwnTextsHaveGlyphs(t *testing.T) {
	f := fonts()
	check := func(what, s string) {
		if got := f.legible(s); got != s {
			t.Errorf("%s: %q is shown as %q", what, s, got)
		}
		for _, r := range s + "…" {
			if r == ' ' || r == nbsp {
				continue
			}
			if _, ok := pixLookup(r); !ok {
				t.Errorf("%s: the dot face has no %q", what, r)
			}
		}
	}
	for _, r := range Reasons() {
		for _, lang := range []string{Russian, English} {
			if r.Text.In(lang) == "" || r.Brief.In(lang) == "" {
				t.Errorf("%s has no text in %s", r.Code, lang)
			}
			if n := utf8.RuneCountInString(r.Brief.In(lang)); n > 16 {
				t.Errorf("%s: brief text of %d letters", r.Code, n)
			}
			check(r.Code, r.Text.In(lang))
			check(r.Code, r.Brief.In(lang))
		}
	}
	check("alphabet", "АБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдеёжзийклмнопрстуфхцчшщъыьэюя")
	check("latin", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
	check("signs", "№«»₽…·—–-+=/()!?%&*#@_.,:;'\"")
}

func TestReasonFor(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Reasons() {
		if seen[r.Code] {
			t.Errorf("%s stands twice", r.Code)
		}
		seen[r.Code] = true
		if got := ReasonFor(r.Code); got != r {
			t.Errorf("%s: %+v", r.Code, got)
		}
	}
	if r := ReasonFor("brand_new"); r.Code != "brand_new" || r.Text.RU == "" {
		t.Errorf("unknown code: %+v", r)
	}
	if r := ReasonFor(""); r.Code != ReasonUnknown {
		t.Errorf("no code: %+v", r)
	}
	for code, p := range shortfallTexts {
		if p.RU == "" || p.EN == "" || ShortfallText(code, Russian) != p.RU {
			t.Errorf("shortfall %s lacks a text", code)
		}
	}
}

func TestWrap(t *testing.T) {
	f := pixFace{1}
	for _, c := range []struct {
		text         string
		width, limit int
		want         string
		cut, broken  bool
	}{
		{"", 50, 2, "", false, false},
		{"АБ ВГ", 100, 1, "АБ ВГ", false, false},
		{"АБВ ГДЕ", 20, 2, "АБВ|ГДЕ", false, false},
		{"АБВГДЕ", 20, 2, "АБВ|ГДЕ", false, true},
		{"АБВ ГДЕ ЖЗИ", 25, 2, "АБВ|ГДЕ…", true, false},
		{"АБВ", 2, 3, "", true, false},
		{"АБ\u00a0· ВГ", 20, 2, "АБ|ВГ", false, false},
	} {
		w := wrap(f, c.text, c.width, c.limit)
		if got := strings.Join(w.lines, "|"); got != c.want || w.cut != c.cut || w.broken != c.broken {
			t.Errorf("wrap(%q, %d, %d) = %q cut %v broken %v", c.text, c.width, c.limit, got, w.cut, w.broken)
		}
	}
	if w := balance(f, "А Б В Г Д Е Ж", 60, 3); len(w.lines) != 2 || w.lines[1] == "Ж" {
		t.Errorf("balance leaves %q", w.lines)
	}
}
