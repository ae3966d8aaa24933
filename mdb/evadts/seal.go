package evadts

import (
	"fmt"
	"strconv"
	"strings"
)

// SealStatus is the verdict on a report's G85.
type SealStatus string

// Verdicts (evadts 2.3). Only the first three make a report fit for reconciliation.
const (
	SealOK              SealStatus = "ok"
	SealSwapped         SealStatus = "ok_swapped"           // bytes exchanged: Rhea
	SealWithoutLastCRLF SealStatus = "ok_without_last_crlf" // computed without the last CR LF
	SealMismatch        SealStatus = "mismatch"
	SealAbsent          SealStatus = "absent"    // no G85
	SealWithoutStart    SealStatus = "no_ST"     // G85, but no ST to count from
	SealMalformed       SealStatus = "malformed" // not four hexadecimal digits
)

// Holds reports whether the CRC proves the report.
func (s SealStatus) Holds() bool {
	return s == SealOK || s == SealSwapped || s == SealWithoutLastCRLF
}

// Seal is what a report says of its own bytes, beside what they are.
type Seal struct {
	Status   SealStatus
	Declared string // as printed, "" when absent
	Computed string // upper case; "" where there is nothing to compute over
}

// Count is the number of segments SE declares, beside that found (ST to SE,
// both included). SE is off by one up to tens in the field: it is ignored when
// G85 holds (evadts 2.3).
type Count struct {
	Declared, Counted           int
	DeclaredKnown, CountedKnown bool
}

// Seal checks G85: CRC-16 from the S of ST to the line end before G85, every
// line end taken as CR LF (evadts 2.2).
func (r Report) Seal() Seal {
	st, g85 := -1, -1
	for i, s := range r.Segments {
		switch {
		case s.ID == "ST" && st < 0 && g85 < 0:
			st = i
		case s.ID == "G85" && g85 < 0:
			g85 = i
		}
	}
	if g85 < 0 {
		return Seal{Status: SealAbsent}
	}
	seal := Seal{Declared: strings.TrimSpace(r.Segments[g85].Element(1))}
	declared, err := strconv.ParseUint(seal.Declared, 16, 16)
	malformed := err != nil || len(seal.Declared) != 4
	if st < 0 {
		seal.Status = SealWithoutStart
		return seal
	}
	whole, open := crcOf(r.Segments[st:g85])
	seal.Computed = fmt.Sprintf("%04X", whole)
	switch d := uint16(declared); {
	case malformed:
		seal.Status = SealMalformed
	case d == whole:
		seal.Status = SealOK
	case d == swapped(whole):
		seal.Status = SealSwapped
	case d == open:
		seal.Status = SealWithoutLastCRLF
	default:
		seal.Status = SealMismatch
	}
	return seal
}

// crcOf gives the CRC with the last CR LF and without.
func crcOf(ss []Segment) (whole, open uint16) {
	for i, s := range ss {
		if i > 0 {
			whole = crcString(whole, "\r\n")
		}
		whole = crcString(whole, s.ID)
		for _, e := range s.Elements {
			whole = crcString(whole, "*")
			whole = crcString(whole, e)
		}
	}
	return crcString(whole, "\r\n"), whole
}

// Count compares SE with the segments there are.
func (r Report) Count() Count {
	var c Count
	n := 0
	for _, s := range r.Segments {
		switch {
		case s.ID == "ST" && !c.CountedKnown:
			c.CountedKnown, n = true, 1
		case s.ID == "SE" && !c.DeclaredKnown:
			n++
			c.Counted = n
			if d, err := strconv.ParseUint(strings.TrimSpace(s.Element(1)), 10, 31); err == nil {
				c.Declared, c.DeclaredKnown = int(d), true
			}
			if c.DeclaredKnown {
				return c
			}
		case s.ID != "":
			n++
		}
	}
	c.Counted = n
	return c
}

// Whole reports whether the report can be reconciled: its seal holds, or the
// transport proved every byte and the report came to its end (evadts 6.1).
func (r Report) Whole(transportProved bool) bool {
	if status := r.Seal().Status; status.Holds() {
		return true
	} else if status == SealMismatch || status == SealMalformed {
		return false
	}
	_, ended := r.Find("DXE")
	return transportProved && ended
}

// Sealed gives the report with G85, SE and DXE written anew behind its data;
// a machine played on the bench makes its reports so. Segments want CR LF.
func (r Report) Sealed() Report {
	var body []Segment
	number := "0001"
	for _, s := range r.Segments {
		switch s.ID {
		case "G85", "SE", "DXE", "":
			continue
		case "ST":
			if e := s.Element(2); e != "" {
				number = e
			}
		}
		s.End = CRLF
		body = append(body, s)
	}
	from := 0
	for i, s := range body {
		if s.ID == "ST" {
			from = i
			break
		}
	}
	crc, _ := crcOf(body[from:])
	n := strconv.Itoa(len(body) - from + 2) // with G85 and SE
	r.Segments = append(body,
		Segment{ID: "G85", Elements: []string{fmt.Sprintf("%04X", crc)}, End: CRLF},
		Segment{ID: "SE", Elements: []string{n, number}, End: CRLF},
		Segment{ID: "DXE", Elements: []string{"1", "1"}, End: CRLF})
	return r
}
