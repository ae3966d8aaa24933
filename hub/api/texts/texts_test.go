package texts

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// spoken are the places of the code base where codes meant for people are
// made: constants of a file whose name matches, and codes given to incidents.
var spoken = []struct {
	glob  string
	names string // of constants
}{
	{"hub/store/incident.go", `.`},
	{"hub/store/audit.go", `^Audit`},
	{"hub/reconcile/reconcile.go", `^(Journal|Earlier|Records|Not|Counter|Amount|Source|Other|Mixed|During)`},
	{"agent/audit/audit.go", `^Failed`},
	{"hub/store/resolve.go", `^(Held|None)`},
	{"hub/store/jobs.go", `^(Job|ReceiptMismatch|NeverPrinted|ByPerson)`},
	{"hub/store/origin.go", `^WaitsFor`},
	{"hub/till/names.go", `.`},
	{"hub/outlook/outlook.go", `.`},
	{"hub/ledger/*.go", `^(NotRead|Documents|Beginning|Forms|Other|Receipts|Corrections|Both|Count|Sum|Us|Terminal|NotSubject|Nobody)`},
	{"hub/store/ledger.go", `^LedgerDiffers`},
	{"agent/wire/wire.go", `^Refused`},
	{"mdb/exe/vends/recovery.go", `^Code`},
	{"agent/recover.go", `^Code`},
	{"agent/journal/journal.go", `^Why`},
	{"agent/screen/*.go", `^Result`},
	{"display/reasons.go", `^Reason`},
	{"fiscal/fault/codes.go", `.`},
}

// calls are functions whose string argument is an incident's code.
var calls = []struct {
	glob string
	name string
	arg  int
}{
	{"mdb/sales/*.go", "incident", 1},
	{"mdb/sales/*.go", "free", 1},
	{"hub/*/*.go", "Raise", 3},
	{"hub/*/*.go", "Hold", 3},
	{"hub/api/*.go", "refuse", 1},
	{"hub/api/*.go", "add", 0},
	{"hub/api/*.go", "that", 1},
}

var snake = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

// notCodes are constants in those files that are no code of their own.
var notCodes = map[string]bool{"hub": true, "info": true, "warn": true, "alarm": true, "new": true}

func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for dir != filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		dir = filepath.Dir(dir)
	}
	t.Fatal("no go.mod above the test")
	return ""
}

func files(t *testing.T, glob string) []*ast.File {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root(t), glob))
	if err != nil {
		t.Fatal(err)
	}
	var all []*ast.File
	for _, p := range paths {
		if strings.HasSuffix(p, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), p, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, f)
	}
	if len(all) == 0 {
		t.Errorf("no file matches %s: the list of this test is stale", glob)
	}
	return all
}

func literal(e ast.Expr) (string, bool) {
	l, ok := e.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(l.Value)
	return s, err == nil && snake.MatchString(s)
}

func TestEveryCodeIsExplained(t *testing.T) {
	n := 0
	check := func(where, code string) {
		n++
		if !notCodes[code] && !Has(code) {
			t.Errorf("%s: code %q is not in the catalogue", where, code)
		}
	}
	for _, s := range spoken {
		want := regexp.MustCompile(s.names)
		for _, f := range files(t, s.glob) {
			ast.Inspect(f, func(node ast.Node) bool {
				v, ok := node.(*ast.ValueSpec)
				if !ok {
					return true
				}
				for i, name := range v.Names {
					if i < len(v.Values) && want.MatchString(name.Name) {
						if code, ok := literal(v.Values[i]); ok {
							check(s.glob+" "+name.Name, code)
						}
					}
				}
				return true
			})
		}
	}
	for _, c := range calls {
		for _, f := range files(t, c.glob) {
			ast.Inspect(f, func(node ast.Node) bool {
				call, ok := node.(*ast.CallExpr)
				if !ok || len(call.Args) <= c.arg || called(call.Fun) != c.name {
					return true
				}
				if code, ok := literal(call.Args[c.arg]); ok {
					check(c.glob+" "+c.name, code)
				}
				return true
			})
		}
	}
	if n < 150 {
		t.Errorf("only %d codes found: the test looks in the wrong places", n)
	}
}

func called(f ast.Expr) string {
	switch f := f.(type) {
	case *ast.SelectorExpr:
		return f.Sel.Name
	case *ast.Ident:
		return f.Name
	}
	return ""
}

func TestEveryTextIsInBothLanguages(t *testing.T) {
	cyrillic := func(s string) bool {
		return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Cyrillic, r) })
	}
	for code, e := range byCode {
		if !snake.MatchString(code) {
			t.Errorf("%q is no stable code", code)
		}
		if !cyrillic(e.ru) || !cyrillic(e.nextRU) {
			t.Errorf("%s: Russian text or next step is missing: %q / %q", code, e.ru, e.nextRU)
		}
		if e.en == "" || e.nextEN == "" {
			t.Errorf("%s: English text or next step is missing: %q / %q", code, e.en, e.nextEN)
		}
	}
	if got := Of("no_such_code", RU); got.Title != "no_such_code" || got.Next == "" {
		t.Errorf("an unknown code must be given as it is: %+v", got)
	}
	if all := All(EN); len(all) != len(byCode) || all[0].Code > all[1].Code {
		t.Errorf("All: %d of %d, sorted by code", len(all), len(byCode))
	}
}
