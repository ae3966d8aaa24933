package ffd

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
	}
}

func TestTextGolden(t *testing.T) {
	for _, name := range []string{"receipt-1.2", "receipt-1.05", "correction-1.2"} {
		doc, _, err := ParseDocument(worked(t, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, lang := range []string{"ru", "en"} {
			golden(t, name+"."+lang+".txt", AppendText(nil, doc, lang))
		}
	}
	_, im := coffee()
	im.User = ""
	im.Shift = 12
	c := &Counters{Count: 3, Sell: OperationCounters{Count: 3, Total: 25500, Cash: 8500, Ecash: 17000, VAT20: 0, TurnNon: 25500}}
	doc, err := ComposeShift(ShiftReport{Imprint: im, Close: true, Unsent: 2, UnsentAt: im.At, Documents: 5, Receipts: 3, KeyDays: 412, Totals: c, FNTotals: c})
	if err != nil {
		t.Fatal(err)
	}
	doc.Body = append(doc.Body, Element{Tag: 1500, Value: []byte{1, 0xab}})
	golden(t, "shift-close.ru.txt", AppendText(nil, doc, "ru"))
}

// Whatever a document holds is shown: each requisite by its name, unknown ones
// too, no line wider than the page but the QR string and names of one word.
func TestTextShowsEverything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := drawAny(t)
		unknown := Tag(rapid.Uint16Range(3000, 60000).Draw(t, "unknown"))
		doc.Body = append(doc.Body, Element{Tag: unknown, Value: []byte{0xca, 0xfe}})
		lang := rapid.SampledFrom([]string{"ru", "en"}).Draw(t, "lang")
		text := string(AppendText(nil, doc, lang))
		for line := range strings.SplitSeq(text, "\n") {
			if n := utf8.RuneCountInString(line); n > TextWidth && !strings.HasPrefix(line, "t=") {
				t.Fatalf("%d characters: %q", n, line)
			}
		}
		folded := strings.Join(strings.Fields(text), "")
		for _, e := range doc.Body {
			v := Describe(e, lang)
			if e.Nested != nil || e.Tag != unknown && numberIn([]Element{e}, e.Tag) == 0 {
				continue
			}
			if want := strings.Join(strings.Fields(v), ""); !strings.Contains(strings.ToUpper(folded), strings.ToUpper(want)) {
				t.Fatalf("%s = %q is not shown:\n%s", e.Tag.Name(), v, text)
			}
		}
	})
}

// Coded values have a name in both languages.
func TestValueNames(t *testing.T) {
	for _, c := range []struct {
		tag    Tag
		v      uint64
		ru, en string
	}{
		{1054, 2, "возврат прихода", "sell return"}, {1055, 6, "УСН доход, УСН доход минус расход", "simplified, income, simplified, income less cost"},
		{1199, 11, "НДС 22%", "VAT 22%"}, {1199, 99, "", ""}, {2108, 11, "кг", "kg"}, {2108, 1, "", ""}, {1206, 3, "0x1, ошибка ФЛК", "0x1, structure error"},
		{1290, 0x4000, "торговля автоматами", "vending"}, {1214, 3, "аванс", "advance"}, {1038, 5, "", ""},
	} {
		if ru, en := ValueName(c.tag, c.v, "ru"), ValueName(c.tag, c.v, "en"); ru != c.ru || en != c.en {
			t.Errorf("%d = %d: %q %q", c.tag, c.v, ru, en)
		}
	}
	for tag, names := range valueNames {
		for v, n := range names {
			if n.ru == "" || n.en == "" {
				t.Errorf("%d = %d", tag, v)
			}
		}
	}
	for i := range Tags {
		if Tags[i].Name == "" || Tags[i].EN == "" {
			t.Errorf("tag %d has no name", Tags[i].Tag)
		}
	}
}
