package evadts

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fixtures is the folder of audit files, or a visible skip.
func fixtures(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("CHEKOMAT_TRACES")
	if dir == "" {
		root, err := filepath.Abs(".")
		if err != nil {
			t.Fatal(err)
		}
		for root != filepath.Dir(root) {
			if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
				break
			}
			root = filepath.Dir(root)
		}
		dir = filepath.Join(root, "..", "shared", "traces")
	}
	dir = filepath.Join(dir, "evadts")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("CHEKOMAT_TRACES absent: %v", err)
	}
	return dir
}

func readFixture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(fixtures(t), name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// known reads a report this folder need not hold, or skips visibly.
func known(t testing.TB, name string) []byte {
	t.Helper()
	if _, err := os.Stat(filepath.Join(fixtures(t), name)); err != nil {
		t.Skipf("not in this folder of CHEKOMAT_TRACES: %s", name)
	}
	return readFixture(t, name)
}

// rows reads a .jsonl file, each object as its fields.
func rows(t testing.TB, name string) (out []map[string]json.RawMessage) {
	t.Helper()
	sc := bufio.NewScanner(bytes.NewReader(readFixture(t, name)))
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		if len(bytes.TrimSpace(sc.Bytes())) == 0 {
			continue
		}
		var row map[string]json.RawMessage
		if err := json.Unmarshal(sc.Bytes(), &row); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out = append(out, row)
	}
	if err := sc.Err(); err != nil {
		t.Fatal(err)
	}
	if len(out) == 0 {
		t.Fatalf("%s holds no row", name)
	}
	return out
}

func str(t testing.TB, raw json.RawMessage) (s string) {
	t.Helper()
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return s
}

// said is what expected.jsonl says of a file, made from our own reading of it.
func said(t *testing.T, file string, raw []byte) map[string]any {
	t.Helper()
	reports, err := Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	var again []byte
	dxs := 0
	for _, r := range reports {
		again = Append(again, r)
		if _, ok := r.Find("DXS"); ok {
			dxs++
		}
	}
	if !bytes.Equal(again, raw) {
		t.Errorf("%s: Append(Parse) gives other bytes", file)
	}
	end := "LF"
	if bytes.Contains(raw, []byte("\r\n")) {
		end = "CRLF"
	}
	out := map[string]any{"file": file, "bytes": len(raw), "line_end": end, "dxs": dxs}
	if dxs != 1 {
		return out
	}
	r := reports[0]
	a := Read(r)
	seal := map[string]any{"status": string(a.Seal.Status)}
	if a.Seal.Declared != "" {
		seal["declared"] = a.Seal.Declared
	}
	if a.Seal.Computed != "" {
		seal["computed"] = a.Seal.Computed
	}
	out["g85"], out["has_dxe"] = seal, a.Complete
	out["se"] = nil
	if a.Segments.DeclaredKnown {
		se := map[string]any{"declared": a.Segments.Declared, "counted": nil}
		if a.Segments.CountedKnown {
			se["counted"] = a.Segments.Counted
		}
		out["se"] = se
	}
	text := func(key, v string, present bool) {
		if present {
			out[key] = v
		}
	}
	has := func(id string) bool { _, ok := r.Find(id); return ok }
	text("id101", a.Machine.Serial, has("ID1"))
	text("id106", a.Machine.Asset, has("ID1"))
	text("cb101", a.Machine.Controller.Serial, has("CB1"))
	text("id401", r.Element("ID4", 1), has("ID4"))
	text("id402", a.Money.Code, has("ID4"))
	for key, total := range map[string]Total{"va1": a.Totals.Paid, "va3": a.Totals.Free, "ca2": a.Totals.Cash,
		"da2": a.Totals.Cashless1, "db2": a.Totals.Cashless2, "ta2": a.Totals.Tokens} {
		if total.Present {
			out[key] = []Counter{total.Cumulative.Value, total.Cumulative.Count, total.Interval.Value, total.Interval.Count}
		}
	}
	for n, key := range map[int]string{1: "ea301", 2: "ea302", 3: "ea303", 9: "ea309", 10: "ea310"} {
		text(key, r.Element("EA3", n), r.Element("EA3", n) != "")
	}
	paid := Sum{Count: Counter{Presence: Known}, Value: Counter{Presence: Known}}
	any := false
	for _, p := range a.Products {
		any = any || p.Paid.Present
		paid.Count, paid.Value = paid.Count.add(p.Paid.Cumulative.Count), paid.Value.add(p.Paid.Cumulative.Value)
	}
	if any {
		out["pa2_sum"] = paid
	}
	out["pa1_count"], out["pa7_count"] = len(a.Products), len(a.Rows)
	return out
}

// TestEveryReport holds expected.jsonl of the folder, whatever number it holds.
// A key the file lacks is not compared; one we lack is a failure.
func TestEveryReport(t *testing.T) {
	for _, want := range rows(t, "expected.jsonl") {
		file := str(t, want["file"])
		t.Run(file, func(t *testing.T) {
			raw, err := json.Marshal(said(t, file, readFixture(t, file)))
			if err != nil {
				t.Fatal(err)
			}
			var got map[string]json.RawMessage
			if err := json.Unmarshal(raw, &got); err != nil {
				t.Fatal(err)
			}
			for key, w := range want {
				if diff := cmp.Diff(decoded(t, w), decoded(t, got[key])); diff != "" {
					t.Errorf("%s (-want +got):\n%s", key, diff)
				}
			}
		})
	}
}

func decoded(t *testing.T, raw json.RawMessage) (v any) {
	t.Helper()
	if raw == nil {
		return "missing"
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestEveryPair holds pairs.jsonl of the folder.
func TestEveryPair(t *testing.T) {
	for _, row := range rows(t, "pairs.jsonl") {
		o, n := str(t, row["old"]), str(t, row["new"])
		t.Run(o+" "+n, func(t *testing.T) {
			d := Diff(readOne(t, o), readOne(t, n), Conditions{})
			raw, err := json.Marshal(d)
			if err != nil {
				t.Fatal(err)
			}
			for _, miss := range Disagreements(row["expect"], raw) {
				t.Error(miss)
			}
			if want := str2int(t, row["decimals"]); d.Decimals != want {
				t.Errorf("decimals %d, want %d", d.Decimals, want)
			}
		})
	}
}

func str2int(t *testing.T, raw json.RawMessage) (n int) {
	t.Helper()
	if err := json.Unmarshal(raw, &n); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return n
}

func readOne(t testing.TB, name string) Audit {
	t.Helper()
	reports, err := Parse(readFixture(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return Read(reports[0])
}

// TestCombinedFileIsSplit: a file of several reports is split, each read by itself.
func TestCombinedFileIsSplit(t *testing.T) {
	reports, err := Parse(known(t, "combined-several-machines.dex"))
	if err != nil {
		t.Fatal(err)
	}
	var serials []string
	var whole []bool
	for _, r := range reports {
		serials = append(serials, Read(r).Machine.Serial)
		whole = append(whole, r.Whole(false))
	}
	if got := strings.Join(serials, " "); !strings.HasPrefix(got, "WTN11120310057 WTN11240080108 WTN12230750001") {
		t.Errorf("serials %s", got)
	}
	if !slices.Contains(whole, true) || !slices.Contains(whole, false) {
		t.Errorf("whole: %v; some are truncated, some not", whole)
	}
}
