package mdb

// Commands to the bill validator and recycler, mdb 6. SETUP, IDENTIFICATION and
// FEATURE ENABLE are the shared types.
type (
	// Security is 32: types that get a high security check.
	Security struct{ Types uint16 }
	// BillType is 34; Accept 0 disables the validator.
	BillType struct{ Accept, Escrow uint16 }
	// Escrow is 35: stack the bill in escrow, or give it back.
	Escrow struct {
		Stack bool
		Odd   byte // the byte as it was sent where it is neither 00 nor 01; bit 0 decides
	}
	// StackerRequest is 36.
	StackerRequest struct{}
	// RecyclerEnable is 37 04: mask of manual dispense, mode of each type.
	RecyclerEnable struct {
		ManualDispense uint16
		Modes          [16]uint8
	}
	// DispenseBill is 37 06.
	DispenseBill struct {
		Type   uint8
		Number uint16
	}
	// DispenseValue is 37 07, hopper 5D 01: value in scaling factors.
	DispenseValue struct{ Value uint16 }
	// ValidatorExpansion is one of 37 03, 05, 08, 09, 0A, which carry no data.
	ValidatorExpansion struct{ Sub uint8 }
)

// Sub-commands of ValidatorExpansion.
const (
	RecyclerSetupRequest    uint8 = 0x03
	BillDispenseStatus      uint8 = 0x05
	ValidatorPayoutStatus   uint8 = 0x08
	ValidatorPayoutPoll     uint8 = 0x09
	ValidatorPayoutCancel   uint8 = 0x0A
	billIdentificationPlain       = 0x00
)

// Answers of the validator.
type (
	// ValidatorSetup answers 31. N credits were sent, the others are 0.
	ValidatorSetup struct {
		Level    uint8
		Currency uint16
		Scale    uint16
		Decimals uint8
		Stacker  uint16
		Security uint16
		Escrow   bool
		Credits  [16]uint8
		N        uint8
	}
	// Stacker answers 36.
	Stacker struct {
		Full  bool
		Count uint16
	}
	// RecyclerSetup answers 37 03.
	RecyclerSetup struct{ Routing uint16 }
	// BillCounts answers 37 08 (counts paid), and with HasFull 37 05 and hopper 5A.
	BillCounts struct {
		HasFull bool
		Full    uint16
		Counts  [16]uint16
		N       uint8
	}
	// BillEvent is one event of a POLL answer.
	BillEvent struct {
		Kind  BillEventKind
		Type  uint8 // bill type, code of a status, number of attempts
		Route uint8 // of a Bill
	}
)

// BillEventKind says what a BillEvent is.
type BillEventKind uint8

// Kinds of bill events.
const (
	Bill BillEventKind = iota + 1
	BillAttempts
	RecyclerStatus // Type is the whole byte, 21 to 2F
	BillStatus
)

// Routes of a bill. Only BillStacked and BillRecycled are secure credit
// (mdb 6.3 note 2).
const (
	BillStacked    uint8 = 0
	BillInEscrow   uint8 = 1
	BillReturned   uint8 = 2
	BillRecycled   uint8 = 3
	BillRejected   uint8 = 4
	BillManualFill uint8 = 5
	BillManualOut  uint8 = 6
	BillToCashBox  uint8 = 7
)

// Codes of BillStatus and RecyclerStatus that recovery needs.
const (
	BillJustReset       uint8 = 0x06
	BillRemoved         uint8 = 0x07
	RecyclerEscrow      uint8 = 0x21
	RecyclerPayoutBusy  uint8 = 0x22
	RecyclerDispensing  uint8 = 0x23
	RecyclerBillWaiting uint8 = 0x2A
)

// AppendCommand implements CommandMessage.
func (m Security) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	return put16(append(dst, byte(to)|2), m.Types)
}

// AppendCommand implements CommandMessage.
func (m BillType) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	return put16(put16(append(dst, byte(to)|4), m.Accept), m.Escrow)
}

// AppendCommand implements CommandMessage.
func (m Escrow) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	v := m.Odd
	if v == 0 && m.Stack {
		v = 1
	}
	return append(dst, byte(to)|5, v)
}

// AppendCommand implements CommandMessage.
func (StackerRequest) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	return append(dst, byte(to)|6)
}

// AppendCommand implements CommandMessage.
func (m RecyclerEnable) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	return append(put16(append(dst, byte(to)|cmdExpansion, 4), m.ManualDispense), m.Modes[:]...)
}

// AppendCommand implements CommandMessage.
func (m DispenseBill) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	return put16(append(dst, byte(to)|cmdExpansion, 6, m.Type), m.Number)
}

// AppendCommand implements CommandMessage.
func (m DispenseValue) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	if to == Hopper1 || to == Hopper2 {
		return put16(append(dst, byte(to)|5, 1), m.Value)
	}
	return put16(append(dst, byte(to)|cmdExpansion, 7), m.Value)
}

// AppendCommand implements CommandMessage.
func (m ValidatorExpansion) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	return append(dst, byte(to)|cmdExpansion, m.Sub)
}

func parseValidatorCommand(c byte, p []byte) (CommandMessage, error) {
	need := map[byte]int{2: 2, 4: 4, 5: 1, cmdExpansion: 1}[c]
	if len(p) < need {
		return nil, ErrShort
	}
	switch c {
	case 1:
		return SetupRequest{}, nil
	case 2:
		return Security{be16(p)}, nil
	case 4:
		return BillType{be16(p), be16(p[2:])}, nil
	case 5:
		m := Escrow{Stack: p[0]&1 != 0}
		if p[0] > 1 {
			m.Odd = p[0]
		}
		return m, nil
	case 6:
		return StackerRequest{}, nil
	case cmdExpansion:
		return parseValidatorExpansion(p[0], p[1:])
	}
	return nil, nil
}

func parseValidatorExpansion(sub byte, b []byte) (CommandMessage, error) {
	switch sub {
	case billIdentificationPlain:
		return IdentificationRequest{}, nil
	case 1:
		if len(b) < 4 {
			return nil, ErrShort
		}
		return FeatureEnable{be32(b)}, nil
	case 2:
		return IdentificationRequest{WithOptions: true}, nil
	case RecyclerSetupRequest, BillDispenseStatus, ValidatorPayoutStatus, ValidatorPayoutPoll, ValidatorPayoutCancel:
		return ValidatorExpansion{sub}, nil
	case 4:
		if len(b) < 18 {
			return nil, ErrShort
		}
		return RecyclerEnable{be16(b), [16]uint8(b[2:])}, nil
	case 6:
		if len(b) < 3 {
			return nil, ErrShort
		}
		return DispenseBill{b[0], be16(b[1:])}, nil
	case 7:
		if len(b) < 2 {
			return nil, ErrShort
		}
		return DispenseValue{be16(b)}, nil
	}
	return nil, nil
}

// ReadBillEvent reads one byte of a POLL answer in the order of mdb 6.3. Bytes
// nobody defined come back as BillStatus: validators in the field put them
// before and after real events (reference 17).
func ReadBillEvent(v byte) BillEvent {
	switch {
	case v&0x80 != 0:
		return BillEvent{Kind: Bill, Type: v & 0x0F, Route: v >> 4 & 7}
	case v&0xE0 == 0x40:
		return BillEvent{Kind: BillAttempts, Type: v & 0x1F}
	case v&0xE0 == 0x20:
		return BillEvent{Kind: RecyclerStatus, Type: v}
	}
	return BillEvent{Kind: BillStatus, Type: v}
}

// ParseValidatorSetup reads the answer to 31. Trailing types may be left out.
func ParseValidatorSetup(p []byte) (ValidatorSetup, error) {
	if len(p) < 11 {
		return ValidatorSetup{}, ErrShort
	}
	m := ValidatorSetup{
		Level: p[0], Currency: be16(p[1:]), Scale: be16(p[3:]), Decimals: p[5],
		Stacker: be16(p[6:]), Security: be16(p[8:]), Escrow: p[10] != 0,
	}
	m.N = uint8(copy(m.Credits[:], p[11:]))
	return m, nil
}

func parseBillCounts(p []byte, full bool) (BillCounts, error) {
	m := BillCounts{HasFull: full}
	if full {
		if len(p) < 2 {
			return m, ErrShort
		}
		m.Full, p = be16(p), p[2:]
	}
	for len(p) >= 2 && m.N < 16 {
		m.Counts[m.N], p = be16(p), p[2:]
		m.N++
	}
	return m, nil
}

func parseValidatorAnswer(dst []AnswerMessage, c, sub byte, p []byte) ([]AnswerMessage, error) {
	var m AnswerMessage
	var err error
	switch {
	case c == 3:
		for _, v := range p {
			dst = append(dst, ReadBillEvent(v))
		}
		return dst, nil
	case c == 1:
		m, err = ParseValidatorSetup(p)
	case c == 6 || c == cmdExpansion && (sub == RecyclerSetupRequest || sub == ValidatorPayoutPoll):
		if len(p) < 2 {
			err = ErrShort
			break
		}
		switch v := be16(p); {
		case c == 6:
			m = Stacker{Full: v&0x8000 != 0, Count: v & 0x7FFF}
		case sub == RecyclerSetupRequest:
			m = RecyclerSetup{v}
		default:
			m = PayoutValue{Value: v, Wide: true}
		}
	case c == cmdExpansion && (sub == billIdentificationPlain || sub == 2):
		id, n := parseIdentity(p, sub == 2)
		if n == 0 {
			err = ErrShort
		}
		m = Identification{id}
	case c == cmdExpansion && (sub == BillDispenseStatus || sub == ValidatorPayoutStatus):
		m, err = parseBillCounts(p, sub == BillDispenseStatus)
	default:
		m = UnknownAnswer{p}
	}
	if err != nil {
		return dst, &ParseError{Validator, c, 0, err}
	}
	return append(dst, m), nil
}

// AppendAnswer implements AnswerMessage.
func (m ValidatorSetup) AppendAnswer(dst []byte, _ Dialect) []byte {
	dst = append(put16(put16(append(dst, m.Level), m.Currency), m.Scale), m.Decimals)
	dst = put16(put16(dst, m.Stacker), m.Security)
	escrow := byte(0)
	if m.Escrow {
		escrow = 0xFF
	}
	return append(append(dst, escrow), m.Credits[:min(m.N, 16)]...)
}

// AppendAnswer implements AnswerMessage.
func (m Stacker) AppendAnswer(dst []byte, _ Dialect) []byte {
	v := m.Count & 0x7FFF
	if m.Full {
		v |= 0x8000
	}
	return put16(dst, v)
}

// AppendAnswer implements AnswerMessage.
func (m RecyclerSetup) AppendAnswer(dst []byte, _ Dialect) []byte { return put16(dst, m.Routing) }

// AppendAnswer implements AnswerMessage.
func (m BillCounts) AppendAnswer(dst []byte, _ Dialect) []byte {
	if m.HasFull {
		dst = put16(dst, m.Full)
	}
	for _, n := range m.Counts[:min(m.N, 16)] {
		dst = put16(dst, n)
	}
	return dst
}

// AppendAnswer implements AnswerMessage.
func (m BillEvent) AppendAnswer(dst []byte, _ Dialect) []byte {
	switch m.Kind {
	case Bill:
		return append(dst, 0x80|m.Route&7<<4|m.Type&0x0F)
	case BillAttempts:
		return append(dst, 0x40|m.Type&0x1F)
	}
	return append(dst, m.Type)
}
