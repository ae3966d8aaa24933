package till

import (
	"github.com/chekomat/chekomat/fiscal/fault"
	"github.com/chekomat/chekomat/hub/store"
)

// State of a lane, a stable code.
type State string

// States of lanes. Entry and exit of each are in lane.go.
const (
	Starting    State = "starting"     // opening the driver, looking at what was left open
	OK          State = "ok"           // makes receipts, or would
	Busy        State = "busy"         // the register is reached but can't work now: paper, cover, another's document
	Unreachable State = "unreachable"  // no link, or no answer
	Shift       State = "shift"        // the shift can't be opened or closed
	FNFull      State = "fn_full"      // the ФН takes no more until the OFD has confirmed, or ever
	FNLifeOver  State = "fn_life_over" // the ФН is to be replaced
	Config      State = "config"       // a person must change a setting
	Ambiguous   State = "ambiguous"    // it is unknown whether a document was made; nothing else is sent
	Manual      State = "manual"       // a rule was broken: a person must look and let the lane go on
	Disabled    State = "disabled"
)

// Faults of lanes beside those of the drivers (fiscal/fault).
const (
	FaultURL       fault.Code = "lane_address_bad"      // no driver opens this address
	FaultLeased    fault.Code = "lane_leased"           // another hub holds the lane
	FaultSiblings  fault.Code = "lane_waits_siblings"   // other registers of the seller have not been looked at yet
	FaultStore     fault.Code = "store_failed"          // the database can't be written
	FaultWorker    fault.Code = "lane_worker_failed"    // a bug in the till or the driver; the lane starts anew
	FaultDoubled   fault.Code = "document_doubled"      // a job has two documents
	FaultMismatch  fault.Code = "document_mismatch"     // a document has a job's key and another content
	FaultFFD       fault.Code = "lane_ffd_mismatch"     // the register's FFD is not the lane's
	FaultShiftLost fault.Code = "shift_report_repeated" // the register asks for a shift report that is done already
	FaultSecondHub fault.Code = "second_hub"            // a document with a key of another hub appeared while this one works
)

// Alarms of the register watch; the ФН's flags are raised under their codes of
// fiscal/fault.
const (
	AlarmUnsent     = "documents_unsent"     // the OFD does not take documents
	AlarmShiftLong  = "shift_too_long"       // the shift nears or passes 24 h
	AlarmClock      = "register_clock_drift" // the register's clock is off
	AlarmFNEnding   = "fn_ending"            // the ФН's validity ends
	AlarmUnknown    = "attempt_unknown"      // an attempt stays undecided
	AlarmForeign    = "foreign_document"     // someone else makes documents on the register
	AlarmRestored   = "documents_recovered"  // documents of lost jobs were found: the database is older than the register
	AlarmJobFailing = "job_failing"          // a job fails again and again
	AlarmClockBack  = "register_clock_back"  // the register's clock is behind its own last document
	AlarmHubClock   = "hub_clock_back"       // the hub's clock was put back
	AlarmSkipped    = "document_skipped"     // a document could not be read, a person answered for it
)

// Why no lane can make a job; each is an incident of the seller.
type Why string

// Reasons.
const (
	WhyNoLane    Why = "no_lane_for_seller" // he has none that is enabled
	WhyTaxSystem Why = "no_lane_tax_system" // none is for the job's tax system
	WhyTest      Why = "no_lane_test"       // test lanes do not make real receipts beside real ones, real lanes no test receipts
	WhyZone      Why = "no_lane_zone"       // all that are left serve their own time zone only, and the machine's is another
	WhyFFD       Why = "no_lane_ffd"        // the registers' FFD or drivers can't make this kind of document
)

// stateOf says which state a fault puts a lane into; stop says that it does not
// pass by waiting.
func stateOf(code fault.Code) (s State, stop bool) {
	switch code {
	case fault.Unreachable, fault.NoAnswer, fault.LinkBroken, fault.ProtocolBroken:
		return Unreachable, false
	case fault.ShiftClosed, fault.ShiftOpen, fault.ShiftExpired:
		return Shift, false
	case fault.DocumentUnread:
		return Ambiguous, false
	case fault.FNFull, fault.FNUnsent:
		return FNFull, true
	case fault.FNExpired, fault.FNFailed, fault.FNClosed:
		return FNLifeOver, true
	case fault.KeyTwice, fault.FNRolledBack, FaultDoubled, FaultMismatch, FaultShiftLost, FaultSecondHub,
		fault.WrongMachine, fault.WrongAddress, fault.WrongPlace, fault.WrongVAT, fault.WrongSum,
		fault.WrongOperation, fault.WrongTaxSystem, fault.WrongPayment, fault.WrongKey, fault.WrongSeller,
		fault.WrongItem, fault.WrongCorrection, fault.WrongRequisite:
		return Manual, true
	case fault.WrongPassword, fault.CommandUnsupported, fault.RegisterSettings, fault.TagRefused, fault.SellerMismatch,
		fault.TestMismatch, fault.PlaceMismatch, fault.WireUnknown, FaultURL, FaultFFD:
		return Config, true
	default:
		return Busy, false
	}
}

// hinders says that only a person at the register, or a setting, ends the fault:
// he is called at once.
func hinders(code fault.Code) bool {
	switch code {
	case fault.PaperOut, fault.CoverOpen, fault.PrinterFault, fault.RegisterBroken, fault.RegisterBlocked,
		fault.DateNotConfirmed, fault.ClockWrong, fault.WrongPassword, fault.BatteryOrSupply, fault.DocumentForeign:
		return true
	}
	s, stop := stateOf(code)
	return stop || s == Config
}

// severity of the incident a lane's state opens.
func (s State) severity() store.Severity {
	switch s {
	case OK, Starting, Disabled:
		return store.Info
	case Busy, Shift:
		return store.Warn
	case Unreachable, FNFull, FNLifeOver, Config, Ambiguous, Manual:
	}
	return store.Alarm
}
