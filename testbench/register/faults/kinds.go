// Package faults is the one vocabulary of what goes wrong with an emulated
// register, whatever protocol it speaks: flags, scripts, the HTTP control and
// Go tests all say it with the same words.
//
// An emulator keeps one Set. For each command of a host it asks
//
//	f, struck := set.Match("FF45", faults.CommandClose) // its own code and the generic names that fit
//
// and does what f.Kind says; the doc comment of each kind tells what that is.
// Kinds that Immediate reports need no command: the emulator lets them happen
// when they are injected. Whoever injects calls Check first, with a function
// that knows the emulator's commands:
//
//	lost_answer:0.01                 every command, with probability 0.01
//	late_execution:0.005@close       what finishes a receipt, by its generic name
//	cut@FF45#2,byte=7                the second FF45h, after 7 bytes of the answer
//	power_loss@close,step=data2      the next one, at the second part of its data
//	error@FF01,code=2F,times=3       the next three FF01h
//	slow@close,delay=3s              every one from now on
package faults

import "slices"

// Kind names a fault.
type Kind string

// Faults of the link and of power: they change what happens to one command.
const (
	LostRequest    Kind = "lost_request"    // the frame never arrived: silence
	DamagedRequest Kind = "damaged_request" // the frame arrived damaged: the link says so (NAK) or is silent
	LostAck        Kind = "lost_ack"        // executed, the receiver's acknowledgement is lost, the answer waits to be asked for; links without one: as lost_answer
	LostAnswer     Kind = "lost_answer"     // executed, the answer is gone for good
	LateExecution  Kind = "late_execution"  // the connection is cut, the command runs Delay later
	Cut            Kind = "cut"             // connection cut before or after execution, or after Byte bytes of the answer
	DamagedAnswer  Kind = "damaged_answer"  // the answer arrives once with a wrong checksum
	RepeatedAnswer Kind = "repeated_answer" // the answer arrives twice: the copy stands before the answer of the next command
	DelayedAnswer  Kind = "delayed_answer"  // the answer comes Delay later; when=before delays the execution too
	Slow           Kind = "slow"            // execution takes Delay longer; strikes until cleared unless #N or times say otherwise
	PowerLoss      Kind = "power_loss"      // power fails before or after the commit, or at Step, and returns after Delay
	Off            Kind = "off"             // switched off: connections are reset for Delay, or until repair
	ErrorCode      Kind = "error"           // answers Code instead of executing, or after it; without Code the emulator's "ФН does not answer"
)

// Faults of the device's state: they happen before or after one command, or at
// once when injected without a command.
const (
	Busy             Kind = "busy"              // prints for Delay
	FNFull           Kind = "fn_full"           // no room for documents
	FNLifeOver       Kind = "fn_life_over"      // the keys of the ФН have expired
	FNFailure        Kind = "fn_failure"        // the ФН answers 03h to everything that makes a document, until repair
	ShiftExpired     Kind = "shift_expired"     // the clock jumps past 24 h of the open shift
	FNReplaced       Kind = "fn_replaced"       // another ФН, registered at once: numbering starts again, the old archive cannot be read
	RegisterReplaced Kind = "register_replaced" // another register with its own number, ФН and settings
	PaperOut         Kind = "paper_out"         // paper ends, while printing with when=after
	PaperIn          Kind = "paper_in"          // paper is loaded
	ForeignDocument  Kind = "foreign_document"  // another host makes a receipt as soon as the register is free
	ForeignOpen      Kind = "foreign_open"      // another operator holds a receipt open for Delay
	SecondHost       Kind = "second_host"       // another host takes the link for Delay and makes a receipt; whoever is connected is cut off
	AutoShift        Kind = "auto_shift"        // the register closes and opens the shift by itself when free
	OFDOff           Kind = "ofd_off"           // the ОФД does not answer any more
	OFDOn            Kind = "ofd_on"            // it answers again
	Repair           Kind = "repair"            // undoes off, busy, fn_full, fn_life_over, fn_failure, paper_out, ofd_off
)

var linkFaults = []Kind{
	LostRequest, DamagedRequest, LostAck, LostAnswer, LateExecution, Cut, DamagedAnswer, RepeatedAnswer, DelayedAnswer, Slow,
	PowerLoss, Off, ErrorCode,
}

var stateFaults = []Kind{
	Busy, FNFull, FNLifeOver, FNFailure, ShiftExpired, FNReplaced, RegisterReplaced, PaperOut, PaperIn, ForeignDocument, ForeignOpen,
	SecondHost, AutoShift, OFDOff, OFDOn, Repair,
}

// Kinds lists the vocabulary.
func Kinds() []Kind { return append(slices.Clone(linkFaults), stateFaults...) }

// Generic names of commands, beside the codes of each protocol. A command may
// have several.
const (
	CommandStatus     = "status"      // asks the register or the ФН how it is
	CommandOpen       = "open"        // begins a receipt or a correction
	CommandItem       = "item"        // adds a position
	CommandTag        = "tag"         // adds a requisite
	CommandClose      = "close"       // finishes a receipt or a correction: the document exists after it
	CommandCancel     = "cancel"      // drops what is open
	CommandShiftOpen  = "shift_open"  // makes the opening report
	CommandShiftClose = "shift_close" // makes the closing report
	CommandFind       = "find"        // asks for a document of the archive
	CommandRead       = "read"        // reads on in one
	CommandDocument   = "document"    // anything a document exists after: close, shift_open, shift_close, registration…
)

// Commands lists the generic names.
func Commands() []string {
	return []string{
		CommandStatus, CommandOpen, CommandItem, CommandTag, CommandClose, CommandCancel, CommandShiftOpen, CommandShiftClose,
		CommandFind, CommandRead, CommandDocument,
	}
}

// When of a fault: on which side of the command's execution it strikes.
const (
	Before = "before"
	After  = "after"
)

// Steps of a document inside the ФН a power loss can hit.
const (
	StepBegin  = "begin"  // at the begin command: nothing was begun
	StepData   = "data"   // at a part of the data: the document is dropped
	StepFinish = "finish" // at the finish command, before the commit: the document is dropped
	StepAnswer = "answer" // after the commit, before the ФН's answer: the document exists
)
