// Package display draws what a buyer sees on a vending machine: its own Screen
// type is rendered to an image of any size. It knows nothing of buses, agents
// or hubs.
package display

import "time"

// State of the machine as the buyer should see it.
type State string

// States of a screen.
const (
	Idle         State = "idle"
	Vending      State = "vending"        // a vend is in progress
	Forming      State = "forming"        // paid; «чек формируется»
	ReceiptReady State = "receipt"        // the QR may be scanned
	Delayed      State = "delayed"        // the receipt will come later; Reason says why
	OutOfService State = "out_of_service" // Reason says why
)

// Screen is everything a panel needs to draw.
type Screen struct {
	State   State
	Machine string    // number on the housing
	Item    string    // name of the goods, may be ""
	Amount  int64     // kopecks
	QR      string    // receipt's QR string (FFD tag 1196), State receipt only
	Receipt string    // short text under the QR: "ФД 57 · 15.01.2026 14:32"
	Reason  string    // stable code: "hub_silent", "register_silent", "fn_full", "shift", "config"…
	Seller  string    // who sells
	Lang    string    // "ru" (default) or "en"
	Test    bool      // the receipt was made by a test FN: it must be marked as no receipt
	At      time.Time // when the state began
}

// Geometry describes a panel.
type Geometry struct {
	Width, Height int     // pixels
	WidthMM       float64 // physical width of the active area; 0 unknown
	OneBit        bool    // monochrome: no grey
}
