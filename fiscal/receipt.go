package fiscal

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Receipt is what a register made: the fiscal attributes of a document.
type Receipt struct {
	Kind      DocumentKind `json:"kind"`
	FN        string       `json:"fn"`         // 1041
	FD        uint32       `json:"fd"`         // 1040
	FP        uint32       `json:"fp"`         // 1077 as a number
	At        time.Time    `json:"at"`         // 1012: digits of the register's own wall clock in time.UTC; an instant of no zone
	Shift     uint32       `json:"shift"`      // 1038
	Number    uint32       `json:"number"`     // 1042, in the shift; 0 unknown or none
	RegNumber string       `json:"reg_number"` // 1037 РНМ, 16 digits; "" unknown
	Total     Kopecks      `json:"total"`      // 1020
	Operation Operation    `json:"operation,omitempty"`
	Test      bool         `json:"test,omitempty"` // made by a debug ФН (9999…): no receipt in law
	Machine   Machine      `json:"machine,omitzero"`
	OwnQR     string       `json:"own_qr,omitempty"` // the register's own QR string, shown unchanged
	URL       string       `json:"url,omitempty"`    // receipt page of the OFD or the service
}

// WallLayout is how Receipt.At is written in JSON: no zone, because tag 1012 has none.
const WallLayout = "2006-01-02T15:04:05"

type plainReceipt Receipt

// MarshalJSON writes At without a zone.
func (r Receipt) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		plainReceipt
		At string `json:"at"`
	}{plainReceipt(r), r.At.Format(WallLayout)})
}

// UnmarshalJSON reads At without a zone into time.UTC.
func (r *Receipt) UnmarshalJSON(b []byte) error {
	v := struct {
		*plainReceipt
		At string `json:"at"`
	}{plainReceipt: (*plainReceipt)(r)}
	if err := json.Unmarshal(b, &v); err != nil {
		return fmt.Errorf("read receipt: %w", err)
	}
	if v.At == "" {
		r.At = time.Time{}
		return nil
	}
	at, err := time.Parse(WallLayout, v.At)
	if err != nil {
		return fmt.Errorf("read receipt: time of register: %w", err)
	}
	r.At = at
	return nil
}

// TestFN says whether the ФН is a debug one (series 9999): its documents are
// no receipts and must not be shown to a buyer as such.
func TestFN(fn string) bool { return strings.HasPrefix(fn, "9999") }

// Wall makes the digits of t's wall clock a time in UTC, the form of Receipt.At.
func Wall(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}
