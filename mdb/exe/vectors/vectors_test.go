package vectors

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// traces gives the folder of shared traces, or skips.
func traces(t *testing.T) string {
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
	if _, err := os.Stat(filepath.Join(dir, "exe")); err != nil {
		t.Skipf("CHEKOMAT_TRACES absent: %v", err)
	}
	return filepath.Join(dir, "exe")
}

// Every file of vectors of the folder, however many they hold.
func TestVectors(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(traces(t), "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			f, err := os.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			var out strings.Builder
			rep, err := Run(f, &out)
			if err != nil {
				t.Fatal(err)
			}
			if rep.Passed != rep.Total || rep.Total == 0 {
				t.Error(out.String())
			}
			t.Logf("passed %d of %d", rep.Passed, rep.Total)
		})
	}
}

const good = `{"id":"x","kind":"trace","config":{"mode":"price_holding","price_table":{"8":1000}},"input":{"wire":[[0,"M","31"],[3,"S","00"],[100,"M","32"],[103,"S","08"],[200,"M","33"],[203,"S","00"]],"end_ms":300},"expect":{"outcomes":[{"kind":"sale","line":8,"price":1000,"price_source":"table","payment_hint":"unknown","flags":[]}],"displays":[],"state":"ready","anomalies":[]}}`

// A checker that passes everything would be worth nothing.
func TestWrongVectorsFail(t *testing.T) {
	if id, err := CheckLine([]byte(good)); err != nil || id != "x" {
		t.Fatal(id, err)
	}
	for _, c := range [][2]string{
		{`"kind":"sale"`, `"kind":"fail"`},
		{`"line":8`, `"line":9`},
		{`"price":1000,`, `"price":1001,`},
		{`"price":1000,`, `"price":null,`},
		{`"flags":[]`, `"flags":["parity"]`},
		{`"payment_hint":"unknown"`, `"payment_hint":"cash"`},
		{`"displays":[]`, `"displays":[{"value":0,"exact_change":false}]`},
		{`"state":"ready"`, `"state":"down"`},
		{`"anomalies":[]`, `"anomalies":["pnak"]`},
		{`"S","00"]],`, `"S","80"]],`},
		{`"S","00"]],`, `"S","00","P"]],`},
		{`"kind":"trace"`, `"kind":"unheard_of"`},
		{`"end_ms":300`, `"end_ms":9000`},
	} {
		bad := strings.Replace(good, c[0], c[1], 1)
		if bad == good {
			t.Fatalf("%s is not there", c[0])
		}
		if _, err := CheckLine([]byte(bad)); err == nil {
			t.Errorf("%s passed", c[1])
		}
	}
	for _, bad := range []string{
		`{"id":"a","kind":"frame","input":{"byte":"31"},"expect":{"bits":"01000110001","parity":1}}`,
		`{"id":"a","kind":"master_byte","input":{"byte":"31"},"expect":{"device":"VMC","command_flag":true,"nibble":1,"name":"CREDIT"}}`,
		`{"id":"a","kind":"block_decode","input":{"bytes":"38 24 20 20 20 25 20 24 20 39"},"expect":{"units":4,"scale":5,"decimals":2,"exact_change":false,"value_minor":21}}`,
		`{"id":"a","kind":"block_decode","input":{"bytes":"38 24 20 20 20 25 20 24 20 39"},"expect":{"error":"bad_scale"}}`,
		`{"id":"a","kind":"block_encode","input":{"units":1,"scale":1,"decimals":2},"expect":{"bytes":"38 28 2E 23 20 21 20 24 20 39"}}`,
		`{"id":"a","wire":[["M","31"],["S","40"]],"expect":{"name":"STATUS","inhibited":false,"free":false}}`,
		`{"id":"a","wire":[["M","32"],["S","08"],["M","33"],["S","00"]],"expect":{"sales":[{"line":9}]}}`,
		`{"id":"a","wire":[],"expect":{}}`,
	} {
		if _, err := CheckLine([]byte(bad)); err == nil {
			t.Errorf("passed: %s", bad)
		}
	}
	var out strings.Builder
	rep, err := Run(strings.NewReader(good+"\n\n"+strings.Replace(good, `"line":8`, `"line":9`, 1)+"\n"), &out)
	if err != nil || rep != (Report{1, 2}) || !strings.HasSuffix(out.String(), "passed 1 of 2\n") || strings.Count(out.String(), "\n") != 2 {
		t.Errorf("%+v, %v:\n%s", rep, err, out.String())
	}
}

func TestLinesThatAreNoVectors(t *testing.T) {
	for _, s := range []string{"", "x", "[]", `{"id":"a","kind":"frame"}`, `{"id":"a","kind":"trace","input":{"wire":[[0,"Q","31"]]},"expect":{}}`,
		`{"id":"a","kind":"trace","input":{"wire":[[0]]},"expect":{}}`, `{"id":"a","kind":"trace","input":{"wire":[[0,"M","1FF"]]},"expect":{}}`} {
		_, err := CheckLine([]byte(s))
		var bad *FormError
		if !errors.As(err, &bad) {
			t.Errorf("%q: %v", s, err)
		}
	}
	if Is([]byte(`{"name":"mdb","expect":[]}`)) || !Is([]byte(good)) {
		t.Error("the two buses' vectors are not told apart")
	}
}

func FuzzCheckLine(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte(`{"id":"a","wire":[["M","38"],["M","24"],["M","39"]],"expect":{"units":4,"value":"0.20"}}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		_, _ = CheckLine(line)
		_ = Is(line)
	})
}
