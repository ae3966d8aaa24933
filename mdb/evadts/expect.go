package evadts

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Disagreements compares a difference, as JSON, with what a row of pairs.jsonl
// expects: every field the row names must be the same. Kinds and products the
// row leaves out must not have moved. Each disagreement is one line.
func Disagreements(expect, got json.RawMessage) []string {
	var want, have map[string]any
	if err := json.Unmarshal(expect, &want); err != nil {
		return []string{fmt.Sprintf("read the expectation: %v", err)}
	}
	if err := json.Unmarshal(got, &have); err != nil {
		return []string{fmt.Sprintf("read the difference: %v", err)}
	}
	var out []string
	for key, w := range want {
		h, ok := have[key]
		switch {
		case !ok:
			out = append(out, fmt.Sprintf("%s: not in the difference, want %s", key, shown(w)))
		case key == "by_device":
			out = append(out, unlikeKinds(w, h)...)
		case key == "by_product" || key == "free_by_product" || key == "test_by_product":
			if !sameRows(w, h) {
				out = append(out, fmt.Sprintf("%s: %s, want %s", key, shown(h), shown(w)))
			}
		case !holds(w, h):
			out = append(out, fmt.Sprintf("%s: %s, want %s", key, shown(h), shown(w)))
		}
	}
	slices.Sort(out)
	return out
}

func shown(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

// holds reports whether have says all that want says: objects may say more.
func holds(want, have any) bool {
	w, ok := want.(map[string]any)
	if !ok {
		return shown(want) == shown(have)
	}
	h, ok := have.(map[string]any)
	if !ok {
		return false
	}
	for k, v := range w {
		if !holds(v, h[k]) {
			return false
		}
	}
	return true
}

func unlikeKinds(want, have any) (out []string) {
	w, _ := want.(map[string]any)
	h, _ := have.(map[string]any)
	for k, v := range w {
		if !holds(v, h[k]) {
			out = append(out, fmt.Sprintf("by_device %s: %s, want %s", k, shown(h[k]), shown(v)))
		}
	}
	for k, v := range h {
		if _, named := w[k]; !named && !holds(map[string]any{"count": 0, "value": 0}, v) {
			out = append(out, fmt.Sprintf("by_device %s: %s, want none", k, shown(v)))
		}
	}
	return out
}

// sameRows matches rows in any order, each want with one have.
func sameRows(want, have any) bool {
	w, _ := want.([]any)
	h, _ := have.([]any)
	if len(w) != len(h) {
		return false
	}
	used := make([]bool, len(h))
	for _, a := range w {
		i := slices.IndexFunc(h, func(b any) bool { return holds(a, b) })
		for i >= 0 && used[i] {
			next := slices.IndexFunc(h[i+1:], func(b any) bool { return holds(a, b) })
			if next < 0 {
				return false
			}
			i += 1 + next
		}
		if i < 0 {
			return false
		}
		used[i] = true
	}
	return true
}
