package ffd

import "slices"

// Type is how a requisite's value is encoded (FFD, table 2).
type Type uint8

// Types of requisites.
const (
	Unknown    Type = iota
	Byte            // 1 byte
	Flag            // 1 byte, 0 or 1
	U16             // 2 bytes LE
	U32             // 4 bytes LE
	Bits            // bit register of exactly Max bytes, LE
	VLN             // 0..Max bytes LE, high zero bytes dropped; money in kopecks
	FVLN            // 1 byte decimal places, then a VLN
	Text            // CP866, 0..Max bytes, not padded
	FixedText       // CP866, padded on the right with spaces to Max bytes
	Time            // 4 bytes LE, seconds since 1970 of the LOCAL wall clock taken as UTC
	Bytes           // 0..Max raw bytes
	FixedBytes      // exactly Max raw bytes
	Structure       // nested chain
)

// In is a set of the documents a requisite may stand in.
type In uint16

// Where a requisite may stand; inNested is inside a structure of a receipt.
const (
	inReg In = 1 << iota
	inOpen
	inRcpt
	inCorr
	inNested
	inClose
	inState
	inFnclose
	inConf
	inM81
	inM82
	inM83
	inM84
)

// Info describes a requisite.
type Info struct {
	Tag  Tag
	Name string // Russian name of the FFD order
	EN   string // short English name
	Type Type
	Max  int    // longest value in bytes; 0 not limited by the table
	JSON string // key in the FNS and OFD export; "" unknown
	In   In
}

const firstTag, lastTag = 1000, 2116

var tagIndex = func() (ix [lastTag - firstTag + 1]uint16) {
	for i := range Tags {
		at := int(Tags[i].Tag) - firstTag
		if ix[at] != 0 {
			panic("ffd: tag listed twice: " + Tags[i].Name)
		}
		ix[at] = uint16(i + 1)
	}
	return ix
}()

// Lookup finds a requisite; ok is false for tags the table does not have.
func Lookup(t Tag) (info *Info, ok bool) {
	if t < firstTag || t > lastTag || tagIndex[t-firstTag] == 0 {
		return nil, false
	}
	return &Tags[tagIndex[t-firstTag]-1], true
}

func isStructure(t Tag) bool {
	info, ok := Lookup(t)
	return ok && info.Type == Structure
}

// Type is how the value is encoded: as the tag table says, or Text where the
// number meant a text before 2025 (1115 was the address for checking fiscal
// signs, 1125 the OFD's name) and the value has not the form of what it means
// now. Unknown for tags the table does not have.
func (e Element) Type() Type {
	info, ok := Lookup(e.Tag)
	switch {
	case !ok:
		return Unknown
	case reused(e.Tag) && e.Nested == nil && (info.Type == Structure || len(e.Value) > info.Max) && readable(e.Value):
		return Text
	}
	return info.Type
}

// reused says whether the number meant something else before 2025: documents of
// that time are told by the content.
func reused(t Tag) bool { return t == 1115 || t == 1119 || t == 1120 || t == 1125 }

// readable says whether the value can be a text: no requisite has a longer one,
// and none has controls.
func readable(b []byte) bool {
	return len(b) <= 256 && !slices.ContainsFunc(b, func(c byte) bool { return c < ' ' })
}

// outdated says whether the value is the text the number meant before 2025.
func (e Element) outdated() bool { return reused(e.Tag) && e.Type() == Text }
