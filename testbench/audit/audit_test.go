package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chekomat/chekomat/mdb/evadts"
)

var update = flag.Bool("update", false, "write the golden files anew")

// report is a sealed report whose counters stand n vends of product 12 further.
func report(t *testing.T, n int, lines ...string) string {
	t.Helper()
	text := "DXS*FSC0000001*VA*V0/6*1\r\nST*001*0001\r\nID1*FSC0000042*^CA^^EE^^F4^^E5^*0100***A-17\r\nID4*2*1643*RUB\r\n" +
		"ID5*20251101*120000\r\nCA1*X1*CF690*108\r\n" +
		fmt.Sprintf("VA1*%d*%d*5000*1\r\nVA3*0*%d\r\nCA2*%d*%d*0*0\r\nDA2*5000*1*5000*1\r\nCA3*0*0*0*0*%d*0*%d\r\n",
			12500+5000*n, 3+n, n, 7500+5000*n, 2+n, 7500+5000*n, 7500+5000*n) +
		"PA1*11*2500*Tea\r\nPA7*11*CA*0*2500*1*2500*0*0\r\nPA1*12*5000*Coffee ^1B^[2J\r\n" + fmt.Sprintf("PA4*%d\r\n", n) +
		fmt.Sprintf("PA7*12*CA*0*5000*%d*%d*0*0\r\n", 1+n, 5000*(1+n)) +
		"PA7*12*DA*1*5000*1*5000*1*5000\r\nEA1*EGS*20251101*1155\r\nEA2*EBB*0*4\r\n" + strings.Join(lines, "\r\n") +
		fmt.Sprintf("EA3*4*251101*1200**251101*0900***%d*2\r\n", 4+n)
	rs, err := evadts.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return string(evadts.Append(nil, rs[0].Sealed()))
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// run runs the command; the folder's name is left out of what it prints.
func run(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	c := Command()
	c.SetArgs(args)
	c.SetOut(&out)
	c.SetErr(&out)
	err := c.Execute()
	return strings.ReplaceAll(out.String(), dir+string(filepath.Separator), ""), err
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func TestPages(t *testing.T) {
	dir := t.TempDir()
	a := write(t, dir, "a.eva", report(t, 0))
	b := write(t, dir, "b.eva", report(t, 2))
	for name, args := range map[string][]string{
		"report.ru.txt": {a, "--lang", "ru"}, "report.en.txt": {a, "--lang", "en"}, "report.json": {a, "--json"},
		"difference.ru.txt": {a, b, "--lang", "ru"}, "difference.en.txt": {a, b, "--lang", "en"}, "difference.json": {a, b, "--json"},
	} {
		got, err := run(t, dir, args...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if strings.ContainsRune(got, 0x1B) {
			t.Errorf("%s: a machine's text commands the terminal", name)
		}
		golden(t, name, got)
	}
}

func TestExits(t *testing.T) {
	dir := t.TempDir()
	a := write(t, dir, "a.eva", report(t, 0))
	other := write(t, dir, "other.eva", strings.Replace(report(t, 0), "FSC0000042", "FSC0000043", 1))
	two := write(t, dir, "two.eva", report(t, 0)+report(t, 1))
	junk := write(t, dir, "junk.txt", "hello")
	for _, c := range []struct {
		args []string
		want error
		says string
	}{
		{[]string{a, other}, ErrUnfit, "different machines"},
		{[]string{junk}, evadts.ErrNoReport, ""},
		{[]string{filepath.Join(dir, "absent")}, os.ErrNotExist, ""},
		{[]string{a, two}, nil, "holds 2 reports"},
		{[]string{two, "--json"}, nil, `"offset":0`},
	} {
		got, err := run(t, dir, append(c.args, "--lang", "en")...)
		if c.want != nil && !errors.Is(err, c.want) || !strings.Contains(got, c.says) {
			t.Errorf("%v: %v\n%s", c.args, err, got)
		}
	}
}

func TestPairs(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.eva", report(t, 0))
	write(t, dir, "b.eva", report(t, 2))
	good := `{"old":"a.eva","new":"b.eva","expect":{"total":{"count":2,"value":10000},"by_device":{"CA":{"count":2,"value":10000}},"flags":[]}}`
	bad := `{"old":"a.eva","new":"b.eva","expect":{"total":{"count":3,"value":10000}}}`
	bare := `{"old":"a.eva","new":"b.eva"}`
	path := write(t, dir, "pairs.jsonl", good+"\n\n"+bare+"\n")
	if !IsPairs(path) || IsPairs(filepath.Join(dir, "a.eva")) || IsPairs(dir) {
		t.Error("what is a file of pairs?")
	}
	var out bytes.Buffer
	if err := PairsJSON(path, &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var first struct {
		Kind   string
		Agrees *bool
		Total  struct{ Count, Value int64 }
	}
	if err := json.Unmarshal([]byte(lines[0]), &first); err != nil || len(lines) != 3 {
		t.Fatalf("%v in %s", err, out.String())
	}
	if first.Kind != "audit_pair" || first.Agrees == nil || !*first.Agrees || first.Total.Value != 10000 ||
		lines[2] != `{"kind":"summary","pairs":2,"agree":2}` || strings.Contains(lines[1], `"agrees"`) {
		t.Error(out.String())
	}
	path = write(t, dir, "bad.jsonl", good+"\n"+bad+"\n")
	for _, args := range [][]string{{path, "--json"}, {path, "--lang", "ru"}} {
		got, err := run(t, dir, args...)
		if !errors.Is(err, ErrDisagree) || !strings.Contains(got, "total: ") {
			t.Errorf("%v: %v\n%s", args, err, got)
		}
	}
	for _, row := range []string{`{"old":"a.eva"}`, `{`, `{"old":"a.eva","new":"none.eva"}`} {
		if err := PairsJSON(write(t, dir, "x.jsonl", row), &out); err == nil {
			t.Errorf("%s was read", row)
		}
	}
}

// TestPairsOfTheFolder runs the command on the folder's own pairs.
func TestPairsOfTheFolder(t *testing.T) {
	dir := os.Getenv("CHEKOMAT_TRACES")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "traces")
	}
	path := filepath.Join(dir, "evadts", "pairs.jsonl")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("CHEKOMAT_TRACES absent: %v", err)
	}
	if got, err := run(t, dir, path, "--json"); err != nil || !strings.Contains(got, `"agrees":true`) {
		t.Errorf("%v\n%s", err, got)
	}
}
