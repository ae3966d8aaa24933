package replay

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/sales"
	"github.com/chekomat/chekomat/testbench/exemachine"
)

func write(t *testing.T, name, body string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// day is what a virtual machine says in a few orders, as *.words.csv, and what
// it counted: "class line amount".
func day(t *testing.T, cfg exemachine.Config) (csv string, counted []string) {
	t.Helper()
	var b strings.Builder
	b.WriteString("t_us,dir,word\n")
	cfg.Lines = exemachine.DefaultLines()
	cfg.Emit = func(w mdb.Word) {
		fmt.Fprintf(&b, "%d,%s,%03X\n", w.T, map[mdb.Line]string{mdb.EXEMaster: "EM", mdb.EXESlave: "ES"}[w.Line], w.V)
	}
	m, err := exemachine.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	m.PowerUp()
	for _, o := range []exemachine.Order{
		{Pay: exemachine.Cash, Line: 1, Outcome: exemachine.Sold},
		{Pay: exemachine.Card, Line: 12, Outcome: exemachine.Sold},
		{Pay: exemachine.Card, Line: 3, Outcome: exemachine.Failed},
		{Pay: exemachine.Card, Line: 2, Outcome: exemachine.Cancelled},
		{Pay: exemachine.Card, Line: 250, Outcome: exemachine.Sold},
	} {
		v, err := m.Order(o)
		if err != nil {
			t.Fatal(err)
		}
		m.Idle(3e9)
		if o.Outcome == exemachine.Sold {
			counted = append(counted, fmt.Sprintf("%d %d.%02d", o.Line, v.Price/100, v.Price%100))
		}
	}
	return b.String(), counted
}

func replayed(t *testing.T, path string, opts Options) (got []string, sum sales.Summary) {
	t.Helper()
	opts.JSON = true
	var out bytes.Buffer
	if _, err := Run(context.Background(), path, opts, &out); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		var e struct {
			Kind, Class, Amount, Code string
			Item                      *int
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		switch e.Kind {
		case "sale":
			item := "?"
			if e.Item != nil {
				item = fmt.Sprint(*e.Item)
			}
			got = append(got, item+" "+e.Amount)
		case "summary":
			if err := json.Unmarshal([]byte(line), &sum); err != nil {
				t.Fatal(err)
			}
		default:
			got = append(got, e.Kind+" "+e.Code)
		}
	}
	return got, sum
}

// A trace of EXE is known by its lines; its prices come from a file.
func TestEXEIsReplayed(t *testing.T) {
	csv, want := day(t, exemachine.Config{})
	raw, err := json.Marshal(exemachine.DefaultLines())
	if err != nil {
		t.Fatal(err)
	}
	opts := Options{EXE: EXE{Prices: write(t, "prices.json", string(raw)), Payment: "by_hint"}}
	got, sum := replayed(t, write(t, "exe.words.csv", csv), opts)
	if !slices.Equal(got, want) || sum.Sales != uint64(len(want)) || !sum.Complete || sum.WordsLost != 0 || sum.StrongestClass != sales.ClassA {
		t.Errorf("%q, want %q; %+v", got, want, sum)
	}
	// Without measured times a sale is no better than class B.
	var bare strings.Builder
	for line := range strings.Lines(csv) {
		_, rest, _ := strings.Cut(line, ",")
		bare.WriteString(rest)
	}
	if _, sum := replayed(t, write(t, "bare.words.csv", bare.String()), opts); sum.StrongestClass != sales.ClassB || sum.Sales != uint64(len(want)) {
		t.Errorf("without times: %+v", sum)
	}
}

// A machine that holds its prices names them; lines are not known then.
func TestEXEOfPricesInTheMachine(t *testing.T) {
	csv, want := day(t, exemachine.Config{Standard: true})
	for i := range want {
		_, price, _ := strings.Cut(want[i], " ")
		want[i] = "? " + strings.TrimSuffix(price, ".00") // the bus says whole roubles
	}
	got, _ := replayed(t, write(t, "exe.words.csv", csv), Options{EXE: EXE{Mode: "standard"}})
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	// A written trace says by itself what the bus does not.
	got, _ = replayed(t, write(t, "a.trace", "trace 1\nbus exe\nassume exe price_holding\nassume line 8 45.00\nassume payment cash\n"+
		"MASTER 31\nSLAVE 00\nMASTER 32\nSLAVE 08\nMASTER 33\nSLAVE 00\n"), Options{})
	if !slices.Equal(got, []string{"8 45.00"}) {
		t.Errorf("trace: %q", got)
	}
}

func TestBadEXESettingsAreNamed(t *testing.T) {
	path := write(t, "exe.words.csv", "dir,word\nEM,131\nES,000\n")
	for want, e := range map[string]EXE{
		"mode": {Mode: "both"}, "payment": {Payment: "gold"}, "odd reply": {OddReply: "x"}, "decimals": {Scale: 1, Decimals: 4},
		"row 1": {Prices: write(t, "p.json", `[{"line":1}]`)}, "prices": {Prices: "/no/such"},
	} {
		if _, err := Run(context.Background(), path, Options{EXE: e}, new(bytes.Buffer)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
