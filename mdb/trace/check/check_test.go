package check

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chekomat/chekomat/mdb/trace"
)

func TestWrittenTraces(t *testing.T) {
	files, err := filepath.Glob("testdata/*.trace")
	if err != nil || len(files) == 0 {
		t.Fatalf("no traces: %v", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".trace"), func(t *testing.T) {
			if err := File(name); err != nil {
				t.Error(err)
			}
		})
	}
}

// What is wrong is told with the line where it was expected.
func TestFailuresNameTheirLine(t *testing.T) {
	sale, err := os.ReadFile("testdata/card-sale.trace")
	if err != nil {
		t.Fatal(err)
	}
	expected := "expect sale A reader1 item 12 45.00 RUB by vend_success"
	for _, c := range []struct{ instead, want string }{
		{"expect nothing", "not expected: sale A reader1 item 12 amount 45.00 RUB by vend_success"},
		{"expect sale A cash item 12 45.00 RUB", "part 1 is of reader1"},
		{"expect sale B reader1 item 12 45.00 RUB", "its class is A"},
		{"expect sale A reader1 item 13", "another item"},
		{"expect sale A reader1 item ?", "its item is known"},
		{"expect sale 46.00", "amount is 45.00"},
		{"expect sale EUR", `its currency is "1643"`},
		{"expect sale by cash_sale", "its evidence is vend_success"},
		{"expect sale cash 30.00 + reader1 15.00", "it has 1 parts"},
		{"expect incident vend_lost", "it is a sale"},
		{expected + "\nexpect sale", "expected sale, nothing happened"},
		{"", ""},
	} {
		text := strings.Replace(string(sale), expected, c.instead, 1)
		f, err := trace.Parse(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		got := Run(f)
		if c.want == "" {
			// Other expectations remain: a sale nobody expects is told at the end.
			c.want = "not expected: sale"
		}
		if len(got) != 1 || !strings.Contains(got[0].Error(), c.want) {
			t.Errorf("%q: got %v, want %q", c.instead, got, c.want)
		}
	}
}
