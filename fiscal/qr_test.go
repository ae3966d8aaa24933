package fiscal

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// traces finds $CHEKOMAT_TRACES (default: ../shared/traces beside the module)
// and skips where it is absent.
func traces(t testing.TB, sub string) string {
	t.Helper()
	dir := os.Getenv("CHEKOMAT_TRACES")
	for at, _ := os.Getwd(); dir == ""; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			dir = filepath.Join(at, "..", "shared", "traces")
		} else if at == filepath.Dir(at) {
			t.Fatal("no go.mod above the test")
		}
	}
	dir = filepath.Join(dir, sub)
	if _, err := os.Stat(dir); err != nil {
		t.Skip("CHEKOMAT_TRACES absent: " + dir)
	}
	return dir
}

// Strings of real receipts, of debug ФН, of the specification and of tests parse
// and print back in the writer's form (minutes, T, order of keys). What a writer
// must never produce is refused or repaired: what it reads as prints and parses
// to the same.
func TestPublishedQR(t *testing.T) {
	f, err := os.Open(filepath.Join(traces(t, "receipts/qr"), "qr.csv"))
	if err != nil {
		t.Skip("no strings in the folder: ", err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) < 2 {
		t.Skip("no strings in the folder")
	}
	classes := map[string]int{}
	for _, row := range rows[1:] {
		id, text, class := row[0], row[1], row[2]
		classes[class]++
		q, err := ParseQR(text)
		switch class {
		case "nonstandard", "malformed":
			if errors.Is(err, ErrQR) {
				continue
			}
			q.Seconds, q.At = false, q.At.Truncate(time.Minute)
			if again, err2 := ParseQR(written(q)); err != nil || err2 != nil || !cmp.Equal(again, q) {
				t.Errorf("%s (%s): %v, repaired to %+v, written %s: %v", id, class, err, q, written(q), err2)
			}
		case "published", "published-debug-fn", "spec-example", "synthetic":
			if err != nil {
				t.Errorf("%s (%s): %v", id, class, err)
				continue
			}
			got := written(q)
			if field := strictQR.FindStringSubmatch(text); field != nil && got != field[1]+"T"+field[2]+field[3] {
				t.Errorf("%s (%s): written %s", id, class, got)
			}
			q.Seconds, q.At = false, q.At.Truncate(time.Minute)
			if again, err := ParseQR(got); err != nil || !cmp.Equal(again, q) {
				t.Errorf("%s (%s): %+v, written %s: %+v, %v", id, class, q, got, again, err)
			}
			if class == "published-debug-fn" && !TestFN(q.FN) {
				t.Errorf("%s (%s): ФН %s", id, class, q.FN)
			}
		default:
			t.Errorf("%s: class %q", id, class)
		}
	}
	t.Log(classes)
}

// strictQR is the grammar of FFD (FFD reference, 12.1), which is what is written:
// but for seconds and the letter, such a string comes back as it was.
var strictQR = regexp.MustCompile(`^(t=\d{8})[Tt](\d{4})(?:\d\d)?(&s=(?:0|[1-9]\d*)\.\d\d&fn=\d+&i=(?:0|[1-9]\d*)&fp=(?:0|[1-9]\d*)&n=[1-4])$`)

// written is the writer's form with n left out where it was unknown.
func written(q QR) string { return strings.TrimSuffix(q.String(), "&n=0") }

func TestParseQRRefuses(t *testing.T) {
	const good = "t=20260115T1432&s=85.00&fn=9999078902001234&i=57&fp=1234567890&n=1"
	if _, err := ParseQR(good); err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{
		{"n=1", "n=5"}, {"n=1", "n=11"}, {"n=1", "n="}, {"&n=1", "&n=1&n=1"}, {"&i=57", ""}, {"&s=85.00", ""},
		{"s=85.00", "s=85.001"}, {"s=85.00", "s=-85.00"}, {"s=85.00", "s=.50"}, {"s=85.00", "s=1e5"}, {"s=85.00", "s=85."},
		{"fp=1234567890", "fp=4294967296"}, {"fp=1234567890", "fp=12345678901"}, {"i=57", "i=5x"},
		{"T1432", "T2532"}, {"T1432", " 1432"}, {"20260115", "20260230"}, {"T1432", "T143"},
		{"fn=9999078902001234", "fn=99990789020012345"}, {"fn=9999078902001234", "fn="}, {"t=", "d="}, {"&", ";"},
		{good, ""}, {good, "https://example.com/?" + good}, {good, strings.Repeat("a", 300)},
	} {
		if q, err := ParseQR(strings.Replace(good, c[0], c[1], 1)); !errors.Is(err, ErrQR) {
			t.Errorf("%q for %q: %+v, %v", c[1], c[0], q, err)
		}
	}
}

func drawReceipt(t *rapid.T) Receipt {
	return Receipt{
		Kind: KindReceipt, FN: rapid.StringMatching(`[0-9]{16}`).Draw(t, "fn"),
		FD: rapid.Uint32().Draw(t, "fd"), FP: rapid.Uint32().Draw(t, "fp"),
		At:    time.Unix(rapid.Int64Range(1_483_228_800, 4_000_000_000).Draw(t, "at")/60*60, 0).UTC(),
		Shift: rapid.Uint32().Draw(t, "shift"), Number: rapid.Uint32().Draw(t, "number"), RegNumber: "0000000001036533",
		Total: rapid.Int64Range(0, 999_999_999_999).Draw(t, "total"), Operation: Operation(rapid.IntRange(1, 4).Draw(t, "operation")),
		Machine: Machine{Serial: "VM-1", Address: "Москва", Place: "холл"},
	}
}

func TestQRRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawReceipt(t)
		q, err := ParseQR(r.QR())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(QR{At: r.At, Total: r.Total, FN: r.FN, FD: r.FD, FP: r.FP, Operation: r.Operation}, q); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestReceiptJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawReceipt(t)
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var got Receipt
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, got); diff != "" {
			t.Fatal(diff)
		}
		// the register's clock has no zone: a browser must show the same digits
		if want := `"at":"` + r.At.Format("2006-01-02T15:04:05") + `"`; !strings.Contains(string(b), want) {
			t.Fatalf("%s lacks %s", b, want)
		}
	})
}

func TestReceiptQR(t *testing.T) {
	if got := (Receipt{OwnQR: "t=own", FN: "1"}).QR(); got != "t=own" {
		t.Errorf("the register's own string must not be touched: %s", got)
	}
	if got := (Receipt{Kind: KindShiftOpen, FN: "9999078902001234", FD: 2}).QR(); got != "" {
		t.Errorf("shift reports have no QR: %s", got)
	}
	at := time.Date(2026, 1, 15, 14, 32, 59, 5, time.FixedZone("MSK", 3*3600))
	if got := Wall(at).Format(time.RFC3339Nano); got != "2026-01-15T14:32:59Z" {
		t.Error(got)
	}
	if !TestFN("9999078902001234") || TestFN("7380440801199300") {
		t.Error("debug series 9999")
	}
}

func FuzzParseQR(f *testing.F) {
	f.Add("t=20260115T1432&s=85.00&fn=9999078902001234&i=57&fp=1234567890&n=1")
	f.Add("t=20240917t180100&s=1&fn=7&i=0&fp=0")
	f.Fuzz(func(t *testing.T, s string) {
		q, err := ParseQR(s)
		if err != nil || q.Operation == 0 {
			return
		}
		again, err := ParseQR(q.String())
		q.Seconds = false
		q.At = q.At.Truncate(time.Minute)
		if err != nil || again != q {
			t.Fatalf("%q: %+v, written and read again %+v, %v", s, q, again, err)
		}
	})
}
