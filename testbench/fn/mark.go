package fn

import "slices"

// Mark is a marking code the ФН was asked to check. A vending machine that
// passes a GTIN alone (54-ФЗ art. 4.3 p. 3.2, ffd.md §11.1) needs no check.
type Mark struct {
	Code     string // as the scanner read it
	Type     byte   // 2100
	Result   byte   // 2106 so far: 0, the bench has no keys to check with
	Accepted bool
}

// Notification is the notice of sale (document 82) the ФН makes of each marked
// item. Operation is 2116: 1 receipt, 2 correction, 4 vending.
type Notification struct {
	Number    uint32 `json:"number"` // 2002
	FD        uint32 `json:"fd"`
	Code      string `json:"code"` // of 1163
	Operation byte   `json:"operation"`
	Confirmed bool   `json:"confirmed"`
}

// maxMarks is how many checked codes the ФН keeps; the figure is unverified.
const maxMarks = 128

// markStore holds codes between their check and the receipt, and the
// notifications. The codes are gone without power.
type markStore struct {
	checked   map[string]Mark
	last      string // the code whose acceptance is awaited
	notes     []Notification
	confirmed int
}

func (m *markStore) forget() { m.checked, m.last = map[string]Mark{}, "" }

func (m *markStore) unsent() int { return len(m.notes) - m.confirmed }

func (m *markStore) confirm(fd uint32) {
	for m.confirmed < len(m.notes) && m.notes[m.confirmed].FD <= fd {
		m.confirmed++
	}
}

// CheckMark checks a marking code; it must be accepted next. Registers of 1.05
// and 1.1 have no such command.
func (f *FN) CheckMark(code string) (Mark, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.dark:
		return Mark{}, ErrDark
	case f.phase != PhaseWork:
		return Mark{}, WrongState
	case f.ffd != 4:
		return Mark{}, NotAllowed
	case code == "" || len(code) > 255:
		return Mark{}, BadValue
	case len(f.marks.checked) >= maxMarks:
		return Mark{}, StorageOver
	}
	mark := Mark{Code: code, Type: markType(code)}
	f.marks.checked[code], f.marks.last = mark, code
	return mark, nil
}

// AcceptMark takes the code checked last into the store, or drops it.
func (f *FN) AcceptMark(accept bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dark {
		return ErrDark
	}
	mark, ok := f.marks.checked[f.marks.last]
	if !ok || mark.Accepted {
		return WrongState
	}
	if accept {
		mark.Accepted = true
		f.marks.checked[mark.Code] = mark
	} else {
		delete(f.marks.checked, mark.Code)
	}
	f.marks.last = ""
	return nil
}

// ClearMarks drops every checked code.
func (f *FN) ClearMarks() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.marks.forget()
}

// CheckedMark returns a code that was checked and accepted; NoData otherwise.
func (f *FN) CheckedMark(code string) (Mark, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if mark, ok := f.marks.checked[code]; ok && mark.Accepted {
		return mark, nil
	}
	return Mark{}, NoData
}

// Notifications lists the notices of sale.
func (f *FN) Notifications() []Notification {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := slices.Clone(f.marks.notes)
	for i := range out {
		out[i].Confirmed = i < f.marks.confirmed
	}
	return out
}

// markType tells 2100 by the form of the code: the check part of a full code
// follows the group separator and its AI 91 or 93.
func markType(code string) byte {
	parts := splitGS(code)
	switch {
	case len(parts) < 2:
		return 0
	case len(parts) == 2 && len(parts[1]) == 6 && parts[1][:2] == "93":
		return 5
	case len(parts) == 3 && len(parts[2]) == 90 && parts[2][:2] == "92":
		return 2
	case len(parts) == 3 && len(parts[2]) == 46 && parts[2][:2] == "92":
		return 4
	}
	return 1
}

func splitGS(code string) (parts []string) {
	from := 0
	for i := range len(code) {
		if code[i] == 0x1D {
			parts, from = append(parts, code[from:i]), i+1
		}
	}
	return append(parts, code[from:])
}

// settle turns 2000 of each item into 1163 and 2106, as the ФН does
// (ffd.md §11.1), and drops 2100, which only it wants to know.
func (m *markStore) settle(data []byte) []byte {
	var out []byte
	Elements(data, func(tag uint16, v []byte) bool {
		if tag == 1059 && hasTag(v, 2000) {
			v = m.settleItem(v)
		}
		out = AppendTLV(out, tag, v)
		return true
	})
	return out
}

func (m *markStore) settleItem(item []byte) (out []byte) {
	Elements(item, func(tag uint16, v []byte) bool {
		switch tag {
		case 2100, 2106:
		case 2000:
			number, id := productCode(string(v))
			out = AppendTLV(out, 1163, AppendTLV(nil, number, []byte(id)))
			out = AppendByte(out, 2106, m.checked[string(v)].Result)
			delete(m.checked, string(v))
		default:
			out = AppendTLV(out, tag, v)
		}
		return true
	})
	return out
}

// productCode sorts a code into one of 1300..1306. That a bare GTIN becomes
// ITF-14 and a full code its identification part in 1305 is an assumption.
func productCode(code string) (tag uint16, id string) {
	head := splitGS(code)[0]
	switch {
	case len(head) == 8 && digits(head):
		return 1301, head
	case len(head) == 13 && digits(head):
		return 1302, head
	case len(head) == 14 && digits(head):
		return 1303, head
	case len(head) >= 18 && len(head) <= 38 && head[:2] == "01" && digits(head[2:16]) && head[16:18] == "21":
		return 1305, head
	case len(head) <= 32:
		return 1300, head
	}
	return 1300, head[:32]
}

func digits(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// notify makes the notifications of a document's marked items.
func (m *markStore) notify(d Document) {
	for _, i := range d.Items {
		if i.Mark == "" || !i.Marked {
			continue
		}
		operation := byte(1)
		switch {
		case i.Vending:
			operation = 4
		case d.Type == TypeCorrection:
			operation = 2
		}
		m.notes = append(m.notes, Notification{Number: uint32(len(m.notes)) + 1, FD: d.FD, Code: i.Mark, Operation: operation})
	}
}
