package fault

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
	"testing"
)

// Every code has a text and a next step in both languages, and every entry of
// the catalogue has a code.
func TestCatalogueIsWhole(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "codes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	declared := map[Code]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			s, _ := strconv.Unquote(lit.Value)
			declared[Code(s)] = true
		}
		return true
	})
	form := regexp.MustCompile(`^[a-z0-9]+(_[a-z0-9]+)*$`)
	for code := range declared {
		if _, ok := Lookup(code); !ok {
			t.Errorf("%s has no text", code)
		}
		if !form.MatchString(string(code)) {
			t.Errorf("%s is not snake_case", code)
		}
	}
	cyrillic := regexp.MustCompile(`[а-яА-Я]`)
	for _, e := range Catalogue {
		if !declared[e.Code] {
			t.Errorf("%s is not declared", e.Code)
		}
		if !cyrillic.MatchString(e.RU) || !cyrillic.MatchString(e.NextRU) || e.EN == "" || e.NextEN == "" {
			t.Errorf("%s lacks a text", e.Code)
		}
	}
}

func TestExplain(t *testing.T) {
	if what, next := PaperOut.Explain("ru"); what != "В кассе нет бумаги" || next != "Заправьте ленту" {
		t.Error(what, next)
	}
	if what, next := PaperOut.Explain("en"); what != "The register is out of paper" || next != "Load paper" {
		t.Error(what, next)
	}
	if what, next := Code("of_tomorrow").Explain("ru"); what != "of_tomorrow" || next != "" {
		t.Error(what, next)
	}
}

func TestErrors(t *testing.T) {
	err := fmt.Errorf("make receipt: %w", List{{Code: PaperOut, Device: "6Bh", Text: "tape"}, New(Busy, "")})
	if err.Error() != "make receipt: register_paper_out (6Bh): tape; register_busy" {
		t.Error(err)
	}
	if f, ok := Of(err); !ok || f.Code != PaperOut {
		t.Error(f, ok)
	}
	if !errors.Is(err, New(Busy, "")) {
		t.Error("the second fault is not found")
	}
	if _, ok := Of(errors.New("x")); ok {
		t.Error("a plain error has no fault")
	}
}
