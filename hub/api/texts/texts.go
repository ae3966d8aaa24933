// Package texts says in Russian and English what every stable code of the
// system means and what to do next: answers of the API, incidents, reasons,
// faults of lanes and registers, states. Programs go by the code alone.
package texts

import (
	"slices"
	"strings"

	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/hub/api/contract"
)

// Languages.
const (
	RU = "ru"
	EN = "en"
)

// entry is one code's texts: what happened, and the next step.
type entry struct {
	code           string
	ru, en         string
	nextRU, nextEN string
}

var byCode = func() map[string]entry {
	m := map[string]entry{}
	add := func(e entry) {
		if _, ok := m[e.code]; ok {
			panic("texts: code listed twice: " + e.code)
		}
		m[e.code] = e
	}
	for _, f := range fault.Catalogue {
		m[string(f.Code)] = entry{string(f.Code), f.RU, f.EN, f.NextRU, f.NextEN}
	}
	for _, part := range [][]entry{answers, incidents, heard, unreconciled, ledgers, reasons, lanes, states} {
		for _, e := range part {
			add(e)
		}
	}
	return m
}()

// Has says whether the catalogue explains a code.
func Has(code string) bool {
	_, ok := byCode[code]
	return ok
}

// Of explains a code; one it does not know is given as it is.
func Of(code, lang string) contract.Text {
	e, ok := byCode[code]
	switch {
	case !ok && lang == RU:
		return contract.Text{Code: code, Title: code, Next: "Код новее этой программы: обновите её"}
	case !ok:
		return contract.Text{Code: code, Title: code, Next: "The code is newer than this program: update it"}
	case lang == RU:
		return contract.Text{Code: code, Title: e.ru, Next: e.nextRU}
	}
	return contract.Text{Code: code, Title: e.en, Next: e.nextEN}
}

// All is the whole catalogue in a language, by code.
func All(lang string) []contract.Text {
	all := make([]contract.Text, 0, len(byCode))
	for code := range byCode {
		all = append(all, Of(code, lang))
	}
	slices.SortFunc(all, func(a, b contract.Text) int { return strings.Compare(a.Code, b.Code) })
	return all
}
