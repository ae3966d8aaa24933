package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/chekomat/chekomat/mdb/module"
)

func TestModuleScan(t *testing.T) {
	run := func(lang string, args ...string) string {
		var out, errs bytes.Buffer
		m := Main{Out: &out, Err: &errs, Env: func(k string) (string, bool) { return lang, k == "CHEKOMAT_LANG" }}
		if code := m.Run(context.Background(), append([]string{"module", "scan"}, args...)); code != exitOK {
			t.Fatalf("exit %d: %s", code, &errs)
		}
		return out.String()
	}
	var found []module.Found
	if err := json.Unmarshal([]byte(run("en", "--json", "/dev/none-such")), &found); err != nil || len(found) != 1 || found[0].Kind != module.KindError {
		t.Errorf("%+v, %v", found, err)
	}
	if got := run("ru", "/dev/none-such"); !strings.Contains(got, "не открывается") {
		t.Error(got)
	}
	m := Main{Env: func(string) (string, bool) { return "", false }}
	for _, f := range []module.Found{
		{Port: "/dev/a", USB: "2e8a:000a Pico", Kind: module.KindChekomat, Speaks: true, URL: "chekomat:///dev/a"}, {Port: "/dev/b", Kind: module.KindBusy},
		{Port: "/dev/c", Kind: module.KindSilent}, {Port: "/dev/d", Kind: module.KindQibixx, URL: "qibixx:///dev/d"}, {Port: "/dev/e", Kind: module.KindOther},
	} {
		if got := m.foundText(f); !strings.HasPrefix(got, f.Port) || !strings.Contains(got, f.URL) {
			t.Error(got)
		}
	}
}
