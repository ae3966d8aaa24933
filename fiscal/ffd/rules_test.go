package ffd

import (
	"slices"
	"testing"

	"github.com/chekomat/chekomat/fiscal/fault"
)

// without gives the body of a worked receipt less a tag.
func without(body []Element, tag Tag) []Element {
	return slices.DeleteFunc(slices.Clone(body), func(e Element) bool { return e.Tag == tag })
}

func TestValidateFinds(t *testing.T) {
	doc, _, err := ParseDocument(worked(t, "receipt-1.2"))
	if err != nil {
		t.Fatal(err)
	}
	set := func(tag Tag, e Element) []Element { return append(without(doc.Body, tag), e) }
	item := *Find(doc.Body, 1059)
	for _, c := range []struct {
		name string
		body []Element
		code fault.Code
		tag  Tag
	}{
		{"no item", without(doc.Body, 1059), Missing, 1059},
		{"no address in 1.2", without(doc.Body, 1009), Missing, 1009},
		{"no form of payment", without(doc.Body, 1216), Missing, 1216},
		{"two numbers", append(slices.Clone(doc.Body), Num(1040, 9)), Repeated, 1040},
		{"agent sign in 1.2", append(slices.Clone(doc.Body), Num(1057, 64)), NotInVersion, 1057},
		{"QR in the electronic form", append(slices.Clone(doc.Body), Element{Tag: 1196, Value: []byte("t=")}), NotInForm, 1196},
		{"shift counters in a receipt", append(slices.Clone(doc.Body), Num(1118, 1)), NotInVersion, 1118},
		{"short sign", set(1077, Element{Tag: 1077, Value: []byte{1}}), BadLength, 1077},
		{"flag of 2", set(1125, Num(1125, 2)), BadValue, 1125},
		{"long text", set(1048, Element{Tag: 1048, Value: make([]byte, 257)}), BadLength, 1048},
		{"payments do not add up", set(1031, Num(1031, 1)), SumMismatch, 1020},
		{"item without a name is allowed to be conditional", set(1059, Struct(1059, without(item.Nested, 1043)...)), Missing, 1043},
		{"bad value deep inside", set(1115, Struct(1115, Struct(1119, Element{Tag: 1199, Value: []byte{1, 2}}))), BadLength, 1199},
	} {
		t.Run(c.name, func(t *testing.T) {
			problems := Validate(Document{Code: doc.Code, Body: c.body})
			if !slices.ContainsFunc(problems, func(p Problem) bool { return p.Code == c.code && p.Tag == c.tag }) {
				t.Errorf("want %s of %d, got %v", c.code, c.tag, problems)
			}
		})
	}
	// 1.05 leaves 1009 to the registration report
	old, _, err := ParseDocument(worked(t, "receipt-1.05"))
	if err != nil {
		t.Fatal(err)
	}
	if problems := Validate(Document{Code: old.Code, Body: without(old.Body, 1009)}); len(problems) != 0 {
		t.Error(problems)
	}
}

// Every row of a composition table names a requisite the tag table has.
func TestRulesHaveTags(t *testing.T) {
	for _, rules := range allRules() {
		for _, r := range rules {
			if _, ok := Lookup(r.Tag); !ok {
				t.Errorf("tag %d", r.Tag)
			}
		}
	}
	if _, ok := Lookup(1500); ok {
		t.Error("1500 is no requisite")
	}
	if DocumentName(CodeReceipt) != "Кассовый чек" {
		t.Error("name of document 3")
	}
}

// allRules are the tables of all documents and structures.
func allRules() [][]Rule {
	var out [][]Rule
	for _, d := range Documents {
		out = append(out, d.Rules)
	}
	for _, rules := range structures {
		out = append(out, rules)
	}
	return out
}

// The two tables, of requisites and of compositions, were transcribed apart:
// what a document's composition has, the requisite's row names too, and the
// reverse.
func TestTablesAgree(t *testing.T) {
	in := map[Tag]In{
		CodeRegistration: inReg, CodeReregistration: inReg, CodeShiftOpen: inOpen, CodeReceipt: inRcpt, CodeBSO: inRcpt,
		CodeCorrection: inCorr, CodeBSOCorrection: inCorr, CodeShiftClose: inClose, CodeState: inState, CodeFNClose: inFnclose,
		CodeConfirmation: inConf, CodeMarkRequest: inM81, CodeMarkNotice: inM82, CodeMarkAnswer: inM83, CodeMarkReceipt: inM84,
	}
	var collect func(rules []Rule, has map[Tag]bool)
	collect = func(rules []Rule, has map[Tag]bool) {
		for _, r := range rules {
			if !has[r.Tag] {
				has[r.Tag] = true
				collect(structures[r.Tag], has)
			}
		}
	}
	for _, d := range Documents {
		for _, r := range d.Rules {
			if info, ok := Lookup(r.Tag); !ok || info.In&in[d.Code] == 0 {
				t.Errorf("document %d has %d, the requisite's row does not say so", d.Code, r.Tag)
			}
		}
		has := map[Tag]bool{}
		collect(d.Rules, has)
		for i := range Tags[:len(Tags)-4] { // the last are of FFD 1.0
			if Tags[i].In&in[d.Code] != 0 && !has[Tags[i].Tag] && d.Code != CodeRegistration { // shares its mark with 11
				t.Errorf("document %d lacks %d", d.Code, Tags[i].Tag)
			}
		}
	}
}
