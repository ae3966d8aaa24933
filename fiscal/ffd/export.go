package ffd

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"strconv"

	"github.com/chekomat/chekomat/fiscal"
)

// Export gives a document the way the tax service's app and OFDs serve it: the
// keys of the tag table ("tag1078" where none is known), sums in kopecks, padded
// texts as they are, times of the register's clock without a zone, quantities as
// exact decimals, repeated requisites as arrays. What does not have the form of
// its type, and raw bytes, are given as hexadecimal text.
func Export(d Document) map[string]any {
	out := exportChain(d.Body)
	out["code"] = json.Number(strconv.Itoa(int(d.Code)))
	return out
}

// ExportTicket is an element of the array the app's "share" writes:
// {"ticket":{"document":{"receipt":{…}}}}, with the ФН's sign of the message as
// messageFiscalSign when it is known. The app's own record (_id, createdAt) is
// not the document's and is left out. Kinds the app does not serve stand under
// their OFD name (openShift, fiscalReport…), the others under "document7".
func ExportTicket(d Document, sign []byte) map[string]any {
	doc := Export(d)
	if len(sign) == signLen {
		doc["messageFiscalSign"] = json.Number(strconv.FormatUint(binary.BigEndian.Uint64(sign), 10))
	}
	key := "document" + strconv.Itoa(int(d.Code))
	if info, ok := LookupDocument(d.Code); ok && info.JSON != "" {
		key = info.JSON
	}
	return map[string]any{"ticket": map[string]any{"document": map[string]any{key: doc}}}
}

func exportChain(es []Element) map[string]any {
	out := make(map[string]any, len(es)+1)
	for _, e := range es {
		key, v := exportKey(e), exportValue(e)
		switch old, again := out[key]; {
		case repeats[e.Tag] && !again:
			out[key] = []any{v}
		case repeats[e.Tag]:
			out[key] = append(old.([]any), v)
		case again: // breaks FFD, but nothing is lost
			list, ok := old.([]any)
			if !ok {
				list = []any{old}
			}
			out[key] = append(list, v)
		default:
			out[key] = v
		}
	}
	return out
}

func exportKey(e Element) string {
	info, ok := Lookup(e.Tag)
	switch {
	case e.outdated() && e.Tag == 1115:
		return "addressToCheckFiscalSign"
	case ok && info.JSON != "" && !e.outdated():
		return info.JSON
	}
	return "tag" + strconv.Itoa(int(e.Tag))
}

func exportValue(e Element) any {
	raw := hex.EncodeToString(e.Value)
	if e.Nested != nil {
		return exportChain(e.Nested)
	}
	switch e.Type() {
	case Text, FixedText:
		return e.Text()
	case Time:
		if at, err := e.Time(); err == nil {
			return at.Format(fiscal.WallLayout)
		}
	case FVLN:
		if q, err := e.Quantity(); err == nil {
			return json.Number(q.shortest())
		}
	case FixedBytes:
		if _, fp, err := e.Sign(); err == nil && e.Tag == 1077 {
			return json.Number(strconv.FormatUint(uint64(fp), 10))
		}
	case Byte, Flag, U16, U32, Bits, VLN:
		if v, err := e.Uint(); err == nil {
			return json.Number(strconv.FormatUint(v, 10))
		}
	}
	return raw
}

// shortest prints the number without zeros at the end of its fraction.
func (q Quantity) shortest() string {
	for q.Places > 0 && q.Mantissa%10 == 0 {
		q.Mantissa /= 10
		q.Places--
	}
	return q.String()
}
