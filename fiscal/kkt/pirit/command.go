package pirit

// Commands of the register (kkt-others 2.2).
const (
	cmdStatus     Code = 0x00
	cmdRegisters  Code = 0x01
	cmdInfo       Code = 0x02
	cmdPrinter    Code = 0x04
	cmdErrors     Code = 0x06
	cmdStart      Code = 0x10
	cmdReadClock  Code = 0x13
	cmdWriteClock Code = 0x14
	cmdCloseShift Code = 0x21
	cmdOpenShift  Code = 0x23
	cmdOpen       Code = 0x30
	cmdClose      Code = 0x31
	cmdAnnul      Code = 0x32
	cmdItem       Code = 0x42
	cmdSubtotal   Code = 0x44
	cmdPayment    Code = 0x47
	cmdAttribute  Code = 0x57
	cmdFN         Code = 0x78
)

// Numbers of 78h, exchange with the ФН.
const (
	fnSerial       = "1"
	fnState        = "2"
	fnLastFD       = "3"
	fnRegistration = "5" // ФД of the last registration report
	fnShift        = "6"
	fnOFD          = "7"
	fnDocument     = "11" // short form
	fnVersions     = "14"
	fnSelect       = "15" // type and size of a document
	fnRead         = "16" // block of its TLV
)

// Numbers of 02h, information.
const (
	infoSerial    = "1"
	infoINN       = "3"
	infoRNM       = "4"
	infoLast      = "5"  // date and time of the last fiscal operation
	infoFNEnd     = "14" // end of the ФН's life
	infoShiftFrom = "17"
	infoModel     = "21"
	infoModes     = "23"
	infoFirmware  = "70"
)

// Types of documents in field 1 of 30h, and what is added to them.
const (
	docSale      = 2
	docReturn    = 3
	docBuy       = 6
	docBuyReturn = 7

	modeSilent = 1 << 7 // firmware ≥ 565.1.13 / 665.4.13
)

// States of the open document, the high nibble of the document's status.
const (
	stateClosed = 0
	stateInFN   = 8 // closed in the ФН, not printed: 31h again; 1..4 are not fiscalised
)

// Flags of the status.
const (
	flagNotStarted = 1 << 0
	flagNonFiscal  = 1 << 1
	flagShiftOpen  = 1 << 2
	flagExpired    = 1 << 3
	flagFNClosed   = 1 << 4
	flagNoReg      = 1 << 5
	flagUnfinished = 1 << 8 // shift closing unfinished: repeat
)

// Fatal bits of the status.
const (
	fatalNoFN = 1 << 2
	fatalFN   = 1 << 6
)
