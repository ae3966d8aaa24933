package replay

import (
	"bytes"
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chekomat/chekomat/mdb/module"
	"github.com/chekomat/chekomat/testbench/decode"
)

const dialogues = `{"id":"exe-1","kind":"trace","config":{"mode":"price_holding","price_table":{"8":1000}},"input":{"wire":[[0,"M","31"],[3,"S","00"],[100,"M","32"],[103,"S","08"],[200.5,"M","33"],[203,"S","00"]],"end_ms":300},"expect":{"outcomes":[]}}
{"id":"exe-2","kind":"frame","input":{"byte":"31"},"expect":{"bits":"01000110011","parity":1}}

{"name":"mdb-1","dir":"MMMMMMMSSSSSMMMMMMS","words":["113","000","011","094","000","00C","0C4","005","011","094","1AA","000","113","002","000","00C","021","100"],"context":{},"expect":[]}
{"name":"mdb-2","dir":"MMMMMMMS","words":["113","005","011","094","000","00C","0C9","100"],"context":{"cashless1":{"scale":1,"decimals":2,"level":2,"options":"08","currency":"1643"}},"expect":[]}
{"id":"exe-3","kind":"trace","config":{"mode":"price_holding","price_table":{"20":7500},"initial":{"state":"vending","line":20,"credit":10000}},"input":{"wire":[[0,"M","31"],[3,"S","00"]],"end_ms":100},"expect":{"outcomes":[]}}
`

// The dialogues of vectors are replayed one by one, with what their context or
// settings say.
func TestVectorsAreReplayed(t *testing.T) {
	path := write(t, "x.jsonl", strings.Replace(dialogues, `"MMMMMMMSSSSSMMMMMMS"`, `"MMMMMMMSSSSMMMMMMS"`, 1))
	var out bytes.Buffer
	if _, err := Run(context.Background(), path, Options{JSON: true}, &out); err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(out.String()) {
		var e struct{ Kind, Name, Class, Source, Amount, Code, Currency string }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(line, err)
		}
		got = append(got, strings.Join(strings.Fields(e.Kind+" "+e.Name+" "+e.Class+" "+e.Source+" "+e.Code+" "+e.Amount+" "+e.Currency), " "))
	}
	want := []string{
		"trace exe-1", "sale A exe_vend 10.00", "summary",
		"trace mdb-1", "sale B vend_success", "summary",
		"trace mdb-2", "sale A cash_sale 45.00 1643", "summary",
		"trace exe-3", "incident D exe_vend vend_outcome_unknown 75.00", "summary",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	one, err := decode.Open(context.Background(), path+"#mdb-2", module.Options{})
	if err != nil || len(one) != 1 || one[0].Name != "mdb-2" {
		t.Errorf("%v, %v", one, err)
	}
	for _, bad := range []string{path + "#nothing", write(t, "bad.jsonl", "{}\n"), write(t, "none.jsonl", "\n"), path + "x.jsonl"} {
		if _, err := decode.Open(context.Background(), bad, module.Options{}); err == nil {
			t.Errorf("%s was opened", bad)
		}
	}
}

// Every dialogue of the shared vectors is replayed and decoded to its end.
func TestSharedVectorsAreReplayed(t *testing.T) {
	dir := filepath.Dir(tracesFolder(t))
	var files []string
	for _, pattern := range []string{"mdb/vectors*.jsonl", "exe/*.jsonl"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	for _, path := range files {
		name := filepath.Base(path)
		var out, talk bytes.Buffer
		if _, err := Run(context.Background(), path, Options{JSON: true}, &out); err != nil {
			t.Fatal(err)
		}
		sources, err := decode.Open(context.Background(), path, module.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(out.String(), `"kind":"summary"`); n != len(sources) || n == 0 {
			t.Errorf("%s: %d summaries of %d dialogues", name, n, len(sources))
		}
		if err := decode.Run(context.Background(), path, decode.Settings{}, &talk); err != nil || strings.Count(talk.String(), "note: "+sources[0].Name) == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
