package fault

// Entry is the text of a code for people: what happened and what to do next.
type Entry struct {
	Code   Code
	RU, EN string
	NextRU string
	NextEN string
}

// Lookup finds the catalogue entry of a code.
func Lookup(c Code) (Entry, bool) {
	i, ok := byCode[c]
	if !ok {
		return Entry{}, false
	}
	return Catalogue[i], true
}

// Explain gives what happened and the next step in "ru" or "en" (default).
// A code the catalogue lacks is given as it is.
func (c Code) Explain(lang string) (what, next string) {
	e, ok := Lookup(c)
	switch {
	case !ok:
		return string(c), ""
	case lang == "ru":
		return e.RU, e.NextRU
	}
	return e.EN, e.NextEN
}

var byCode = func() map[Code]int {
	m := make(map[Code]int, len(Catalogue))
	for i, e := range Catalogue {
		if _, ok := m[e.Code]; ok {
			panic("fault: code listed twice: " + string(e.Code))
		}
		m[e.Code] = i
	}
	return m
}()
