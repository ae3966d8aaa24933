package ingest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/hub/store"
)

// Limits of what is believed of a record.
type Limits struct {
	Amount int64 // kopecks of one sale; above it the record goes to quarantine
}

const (
	maxSeq     = 1 << 53 // beyond it JSON numbers are not exact
	maxAge     = 10 * 366 * 24 * time.Hour
	maxParts   = 16
	maxText    = 4096
	maxJournal = 64
	maxColumn  = 0xffff // MDB items are 16 bits
)

// Parse reads one record message. It always gives an Arrival: Code and Detail
// say why the message is refused, Journal and Seq are set as far as they could
// be read, so that the refusal can be told.
func Parse(raw []byte, received int64, limits Limits) store.Arrival {
	a := store.Arrival{Raw: raw, Received: received}
	refuse := func(code, format string, args ...any) store.Arrival {
		a.Code, a.Detail = code, fmt.Sprintf(format, args...)
		return a
	}
	m, cut := envelope(raw)
	if cut {
		if err := json.Unmarshal(m.Record, &a.Record); err != nil { // whatever is wrong is found below
			m, cut, a.Record = wire.RecordMessage{}, false, wire.Record{}
		}
	}
	if !cut {
		if err := json.Unmarshal(raw, &m); err != nil {
			return refuse(wire.RefusedFormat, "message: %v", err)
		}
	}
	a.Body = m.Record
	var head struct {
		V       int    `json:"v"`
		Journal string `json:"journal"`
		Seq     int64  `json:"seq"`
	}
	var err error
	if !cut {
		err = json.Unmarshal(m.Record, &a.Record)
	}
	if err == nil {
		head.V, head.Journal, head.Seq = a.Record.V, a.Record.Journal, a.Record.Seq
	} else if len(m.Record) > 0 {
		_ = json.Unmarshal(m.Record, &head) // what it gives is checked below
	}
	if validJournal(head.Journal) {
		a.Journal = head.Journal
	}
	if head.Seq <= maxSeq {
		a.Seq = head.Seq
	}
	switch {
	case m.V != wire.Version:
		return refuse(wire.RefusedVersion, "message version %d, this hub knows %d", m.V, wire.Version)
	case len(m.Record) == 0:
		return refuse(wire.RefusedFormat, "no record in the message")
	case err != nil && head.V > wire.Version:
		return refuse(wire.RefusedVersion, "record version %d, this hub knows %d", head.V, wire.Version)
	case err != nil:
		return refuse(wire.RefusedFormat, "record: %v", err)
	case head.V != wire.Version:
		return refuse(wire.RefusedVersion, "record version %d, this hub knows %d", head.V, wire.Version)
	case a.Journal == "":
		return refuse(wire.RefusedFormat, "journal %.80q is no id", head.Journal)
	case a.Seq <= 0:
		return refuse(wire.RefusedFormat, "seq %d", head.Seq)
	case m.AgeMS > maxAge.Milliseconds():
		return refuse(wire.RefusedFormat, "age %d ms", m.AgeMS)
	}
	a.Age = time.Duration(max(m.AgeMS, 0)) * time.Millisecond
	if code, detail := check(&a.Record, limits); code != "" {
		return refuse(code, "%s", detail)
	}
	return a
}

// envelope cuts a message that is written as encoding/json writes it, so that
// the record in it is read once only. ok says that the message is what the
// record's own reading proves it to be: one JSON value follows "record", and
// nothing but the closing brace follows that.
func envelope(raw []byte) (m wire.RecordMessage, ok bool) {
	rest, ok := bytes.CutPrefix(raw, []byte(`{"v":1,"age_ms":`))
	if !ok {
		return m, false
	}
	digits := 0
	for digits < len(rest) && digits < 15 && rest[digits] >= '0' && rest[digits] <= '9' {
		m.AgeMS = m.AgeMS*10 + int64(rest[digits]-'0')
		digits++
	}
	if digits == 0 || digits > 1 && rest[0] == '0' {
		return m, false
	}
	if rest, ok = bytes.CutPrefix(rest[digits:], []byte(`,"record":{`)); !ok {
		return m, false
	}
	from := len(raw) - len(rest) - 1
	if !bytes.HasSuffix(rest, []byte("}}")) {
		return m, false
	}
	m.V, m.Record = 1, raw[from:len(raw)-1:len(raw)-1]
	return m, true
}

// validJournal: 1 to 64 of letters, digits, "-" and "_".
func validJournal(id string) bool {
	if len(id) == 0 || len(id) > maxJournal {
		return false
	}
	for _, c := range []byte(id) {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return true
}

// check tells whether a record says what its kind must say.
func check(r *wire.Record, limits Limits) (code, detail string) {
	bad := func(format string, args ...any) (string, string) {
		return wire.RefusedFormat, fmt.Sprintf(format, args...)
	}
	switch r.Kind {
	case wire.KindSale, wire.KindReturn, wire.KindTopUp:
		if r.Sale == nil {
			return bad("%s without a sale", r.Kind)
		}
	case wire.KindReversal, wire.KindEvidence:
		if r.Of <= 0 || r.Of >= r.Seq {
			return bad("%s of seq %d", r.Kind, r.Of)
		}
		if r.Kind == wire.KindEvidence && r.Sale == nil {
			return bad("evidence without a sale")
		}
	case wire.KindIncident:
		if r.Incident == nil || !validCode(r.Incident.Code) {
			return bad("incident without a code")
		}
		if len(r.Incident.Detail) > maxText {
			return bad("incident's detail of %d bytes", len(r.Incident.Detail))
		}
		if r.Incident.Sale != nil {
			if code, detail := checkSale(r.Incident.Sale, limits); code != "" {
				return code, detail
			}
		}
	case wire.KindGap:
		if r.Gap == nil || !validCode(r.Gap.Reason) || len(r.Gap.Detail) > maxText {
			return bad("gap without a reason")
		}
	case wire.KindAudit:
		if r.Audit == nil {
			return bad("audit without counters")
		}
		if why := auditFault(r.Audit); why != "" {
			return bad("audit: %s", why)
		}
	default:
		return bad("kind %.80q", string(r.Kind))
	}
	if r.Of < 0 || r.Of > maxSeq {
		return bad("of seq %d", r.Of)
	}
	if r.Sale != nil {
		return checkSale(r.Sale, limits)
	}
	return "", ""
}

// checkSale also holds parts to their sum, the one thing nothing later could
// put right.
func checkSale(s *wire.Sale, limits Limits) (code, detail string) {
	bad := func(format string, args ...any) (string, string) {
		return wire.RefusedFormat, fmt.Sprintf(format, args...)
	}
	switch s.Class {
	case "A", "B", "C", "D":
	default:
		return bad("class %.80q", s.Class)
	}
	if s.Channel != "device" && s.Channel != "internet" {
		return bad("channel %.80q", s.Channel)
	}
	if s.Column < 0 || s.Column > maxColumn {
		return bad("column %d", s.Column)
	}
	if len(s.Parts) > maxParts || len(s.Words) > maxText*4 || len(s.Evidence) > maxText || len(s.Amount.Currency) > 8 {
		return bad("%d parts, %d bytes of words", len(s.Parts), len(s.Words))
	}
	if s.Amount.Minor < 0 {
		return bad("amount %d", s.Amount.Minor)
	}
	if s.Amount.Known && s.Amount.Minor > limits.Amount {
		return wire.RefusedAmount, fmt.Sprintf("%d kopecks, at most %d are believed", s.Amount.Minor, limits.Amount)
	}
	rest := s.Amount.Minor
	for _, p := range s.Parts {
		switch p.Source {
		case wire.SourceCash, wire.SourceReader1, wire.SourceReader2:
		default:
			return bad("source %.80q", p.Source)
		}
		if p.Kind != "cash" && p.Kind != "cashless" {
			return bad("kind of payment %.80q", p.Kind)
		}
		if p.Minor < 0 || s.Amount.Known && p.Minor > rest {
			return bad("parts do not add up to %d kopecks", s.Amount.Minor)
		}
		rest -= p.Minor
	}
	if s.Amount.Known && len(s.Parts) > 0 && rest != 0 {
		return bad("parts do not add up to %d kopecks", s.Amount.Minor)
	}
	return "", ""
}

// validCode: 1 to 64 of a-z, 0-9 and "_".
func validCode(c string) bool {
	if len(c) == 0 || len(c) > 64 {
		return false
	}
	for _, b := range []byte(c) {
		if (b < 'a' || b > 'z') && (b < '0' || b > '9') && b != '_' {
			return false
		}
	}
	return true
}
