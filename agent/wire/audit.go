package wire

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// Audit is one reading of the machine's own counters (EVA-DTS). It stands in
// the journal among the sales, so the sales between two audits are those whose
// seq lies between theirs. It makes no receipt: it says what was not heard.
type Audit struct {
	Protocol string       `json:"protocol"` // "dex", "ddcmp"
	Head     int64        `json:"head"`     // last seq when the reading began: whether the machine had counted the records between it and this one is not known
	TookMS   int64        `json:"took_ms"`  // how long the reading lasted
	Machine  AuditMachine `json:"machine"`
	Currency string       `json:"cur"`              // ISO 4217 numeric; "" the report names none
	Seal     string       `json:"seal"`             // verdict on the report's own checksum, evadts.SealStatus
	Totals   []AuditTotal `json:"totals"`           // cumulative, as the machine counts since it was set up
	Flags    []string     `json:"flags,omitempty"`  // oddities of the report, evadts.Code
	Since    *AuditChange `json:"since,omitempty"`  // nil: there is no earlier audit
	Bytes    int          `json:"bytes"`            // of the report
	Report   string       `json:"report,omitempty"` // the report as read, when it is short plain text
	Packed   []byte       `json:"packed,omitempty"` // else gzip of it; neither: it was too long to be kept
}

// AuditMachine is who made the report: ID1, and the controller's serial number.
type AuditMachine struct {
	Serial     string `json:"serial,omitempty"`
	Model      string `json:"model,omitempty"`
	Asset      string `json:"asset,omitempty"`
	Controller string `json:"controller,omitempty"`
}

// Kinds of payment machines count.
const (
	AuditAll       = "all"       // VA1: all paid vends
	AuditCash      = "cash"      // CA2
	AuditCashless1 = "cashless1" // DA2, the reader at 10H
	AuditCashless2 = "cashless2" // DB2, the reader at 60H
	AuditTokens    = "tokens"    // TA2
)

// AuditTotal is vends and their money of one kind of payment. nil is unknown,
// never zero. A kind the machine does not count is left out.
type AuditTotal struct {
	Kind  string `json:"kind"`
	Vends *int64 `json:"vends"`
	Minor *int64 `json:"minor"` // kopecks
}

// AuditChange is what the counters gained since an earlier audit, as the agent
// made it out with both reports at hand (evadts.Diff).
type AuditChange struct {
	Journal string       `json:"journal"` // the earlier audit's record
	Seq     int64        `json:"seq"`
	Outcome string       `json:"outcome"` // AuditCounted…: evadts.Outcome
	Flags   []string     `json:"flags,omitempty"`
	Totals  []AuditTotal `json:"totals,omitempty"`
}

// Outcomes of an AuditChange.
const (
	AuditCounted    = "counted"     // fit for reconciliation
	AuditNewChain   = "new_chain"   // counters began anew: figures are uncertain
	AuditForViewing = "for_viewing" // a report is not proven whole
	AuditNone       = "none"        // the reports cannot be compared
)

// Bounds of an audit's record, so that it fits a packet of the broker.
const (
	MaxAuditReport = 1 << 20  // bytes of a report that is read at all
	MaxAuditPlain  = 4 << 10  // longer ones are packed
	MaxAuditPacked = 96 << 10 // bytes of gzip; longer ones are not sent
)

// ErrAuditReport says that the report in a record can't be given back.
var ErrAuditReport = errors.New("the audit report can't be unpacked")

// Keep puts a report into the record.
func (a *Audit) Keep(report []byte) error {
	a.Bytes, a.Report, a.Packed = len(report), "", nil
	if len(report) <= MaxAuditPlain && utf8.Valid(report) {
		a.Report = string(report)
		return nil
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(report)
	if err = errors.Join(err, z.Close()); err != nil {
		return fmt.Errorf("pack an audit report of %d bytes: %w", len(report), err)
	}
	if b.Len() <= MaxAuditPacked {
		a.Packed = b.Bytes()
	}
	return nil
}

// Raw gives the report byte for byte; nil when it was too long to be kept.
func (a *Audit) Raw() ([]byte, error) {
	if a.Packed == nil {
		if a.Report == "" {
			return nil, nil
		}
		return []byte(a.Report), nil
	}
	if len(a.Packed) > MaxAuditPacked {
		return nil, fmt.Errorf("%w: %d bytes packed", ErrAuditReport, len(a.Packed))
	}
	z, err := gzip.NewReader(bytes.NewReader(a.Packed))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAuditReport, err)
	}
	raw, err := io.ReadAll(io.LimitReader(z, MaxAuditReport+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAuditReport, err)
	}
	if len(raw) > MaxAuditReport || len(raw) != a.Bytes {
		return nil, fmt.Errorf("%w: %d bytes, %d declared", ErrAuditReport, len(raw), a.Bytes)
	}
	return raw, nil
}
