package mdb

// Commands to the changer, mdb 5.
type (
	// SetupRequest is SETUP without data: changer 09, validator 31, hopper 59.
	SetupRequest struct{}
	// TubeStatusRequest is 0A.
	TubeStatusRequest struct{}
	// CoinType is 0C; Accept 0 disables the changer.
	CoinType struct{ Accept, ManualDispense uint16 }
	// Dispense is 0D: Number (1 to 15) coins of Type.
	Dispense struct{ Type, Number uint8 }
	// IdentificationRequest is EXPANSION 00 (validator with options: 37 02).
	IdentificationRequest struct{ WithOptions bool }
	// Payout is 0F 02: Value in scaling factors.
	Payout struct{ Value uint8 }
	// ChangerExpansion is one of 0F 03 to 0F 07, which carry no data.
	ChangerExpansion struct{ Sub uint8 }
)

// Sub-commands of ChangerExpansion.
const (
	ChangerPayoutStatus     uint8 = 3
	ChangerPayoutValuePoll  uint8 = 4
	ChangerDiagnosticStatus uint8 = 5
	ChangerManualFill       uint8 = 6
	ChangerManualPayout     uint8 = 7
)

// CreditToken as a coin or bill credit means a vend token.
const CreditToken = 0xFF

// Answers of the changer.
type (
	// ChangerSetup answers 09. N types were sent, the others are 0.
	ChangerSetup struct {
		Level    uint8
		Currency uint16
		Scale    uint8
		Decimals uint8
		Routing  uint16
		Credits  [16]uint8
		N        uint8
	}
	// TubeStatus answers 0A. N counts were sent, the others are 0.
	TubeStatus struct {
		Full   uint16
		Counts [16]uint8
		N      uint8
	}
	// Identification answers EXPANSION 00 of changer, validator and hopper.
	Identification struct{ Identity }
	// Counts answers 0F 03, 0F 06 and 0F 07: coins by type.
	CoinCounts struct {
		Counts [16]uint8
		N      uint8
	}
	// PayoutValue answers 0F 04, 37 09 and 5E 01: paid since the last poll, in scaling factors.
	PayoutValue struct {
		Value uint16
		Wide  bool // two bytes
	}
	// DiagnosticStatus answers 0F 05: pairs of main and sub code.
	DiagnosticStatus struct{ Codes [][2]byte }
	// ChangerEvent is one event of a POLL answer.
	ChangerEvent struct {
		Kind   ChangerEventKind
		Type   uint8 // coin type; the code of a CoinStatus; the number of Slugs
		Route  uint8 // of a deposit
		Number uint8 // of coins dispensed manually
		Left   uint8 // coins in that tube
	}
)

// ChangerEventKind says what a ChangerEvent is.
type ChangerEventKind uint8

// Kinds of changer events.
const (
	CoinDeposited ChangerEventKind = iota + 1
	CoinsDispensedManually
	Slugs
	CoinStatus
)

// Routes of a deposited coin. Only the first two are money.
const (
	RouteCashBox uint8 = 0
	RouteTube    uint8 = 1
	RouteNotUsed uint8 = 2
	RouteReject  uint8 = 3
)

// Codes of CoinStatus that recovery needs.
const (
	CoinEscrowRequest uint8 = 0x01
	CoinPayoutBusy    uint8 = 0x02
	CoinChangerBusy   uint8 = 0x0A
	CoinJustReset     uint8 = 0x0B
)

// AppendCommand implements CommandMessage.
func (SetupRequest) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	return append(dst, byte(to)|cmdSetup)
}

// AppendCommand implements CommandMessage.
func (TubeStatusRequest) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	return append(dst, byte(to)|2)
}

// AppendCommand implements CommandMessage.
func (m CoinType) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	return put16(put16(append(dst, byte(to)|4), m.Accept), m.ManualDispense)
}

// AppendCommand implements CommandMessage.
func (m Dispense) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	return append(dst, byte(to)|5, m.Number<<4|m.Type&0x0F)
}

// AppendCommand implements CommandMessage.
func (m IdentificationRequest) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	sub := byte(0)
	if m.WithOptions {
		sub = 2
	}
	return append(dst, byte(to)|cmdExpansion, sub)
}

// AppendCommand implements CommandMessage.
func (m Payout) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	return append(dst, byte(to)|cmdExpansion, 2, m.Value)
}

// AppendCommand implements CommandMessage.
func (m ChangerExpansion) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	return append(dst, byte(to)|cmdExpansion, m.Sub)
}

func parseChangerCommand(c byte, p []byte) (CommandMessage, error) {
	switch c {
	case 1:
		return SetupRequest{}, nil
	case 2:
		return TubeStatusRequest{}, nil
	case 4:
		if len(p) < 4 {
			return nil, ErrShort
		}
		return CoinType{be16(p), be16(p[2:])}, nil
	case 5:
		if len(p) < 1 {
			return nil, ErrShort
		}
		return Dispense{Type: p[0] & 0x0F, Number: p[0] >> 4}, nil
	case cmdExpansion:
		if len(p) < 1 {
			return nil, ErrShort
		}
		switch p[0] {
		case 0:
			return IdentificationRequest{}, nil
		case 1:
			if len(p) < 5 {
				return nil, ErrShort
			}
			return FeatureEnable{be32(p[1:])}, nil
		case 2:
			if len(p) < 2 {
				return nil, ErrShort
			}
			return Payout{p[1]}, nil
		case 3, 4, 5, 6, 7:
			return ChangerExpansion{p[0]}, nil
		}
	}
	return nil, nil
}

// NextChangerEvent reads the first event of a POLL answer in the order of
// mdb 5.3 and says how many bytes it took. A two-byte event cut short is ErrShort.
func NextChangerEvent(p []byte) (ChangerEvent, int, error) {
	switch v := p[0]; {
	case v&0x80 != 0:
		if len(p) < 2 {
			return ChangerEvent{}, 0, ErrShort
		}
		return ChangerEvent{Kind: CoinsDispensedManually, Type: v & 0x0F, Number: v >> 4 & 7, Left: p[1]}, 2, nil
	case v&0x40 != 0:
		if len(p) < 2 {
			return ChangerEvent{}, 0, ErrShort
		}
		return ChangerEvent{Kind: CoinDeposited, Type: v & 0x0F, Route: v >> 4 & 3, Left: p[1]}, 2, nil
	case v&0x20 != 0:
		return ChangerEvent{Kind: Slugs, Type: v & 0x1F}, 1, nil
	default:
		return ChangerEvent{Kind: CoinStatus, Type: v}, 1, nil
	}
}

// ParseChangerSetup reads the answer to 09. Trailing types may be left out.
func ParseChangerSetup(p []byte) (ChangerSetup, error) {
	if len(p) < 7 {
		return ChangerSetup{}, ErrShort
	}
	m := ChangerSetup{Level: p[0], Currency: be16(p[1:]), Scale: p[3], Decimals: p[4], Routing: be16(p[5:])}
	m.N = uint8(copy(m.Credits[:], p[7:]))
	return m, nil
}

// ParseTubeStatus reads the answer to 0A. Trailing types may be left out.
func ParseTubeStatus(p []byte) (TubeStatus, error) {
	if len(p) < 2 {
		return TubeStatus{}, ErrShort
	}
	m := TubeStatus{Full: be16(p)}
	m.N = uint8(copy(m.Counts[:], p[2:]))
	return m, nil
}

func parseChangerAnswer(dst []AnswerMessage, c, sub byte, p []byte) ([]AnswerMessage, error) {
	fail := func(err error) ([]AnswerMessage, error) {
		return dst, &ParseError{Changer, c, 0, err}
	}
	switch {
	case c == 3:
		for i := 0; i < len(p); {
			e, n, err := NextChangerEvent(p[i:])
			if err != nil {
				return dst, &ParseError{Changer, p[i], i, err}
			}
			dst = append(dst, e)
			i += n
		}
		return dst, nil
	case c == 1:
		m, err := ParseChangerSetup(p)
		if err != nil {
			return fail(err)
		}
		return append(dst, m), nil
	case c == 2:
		m, err := ParseTubeStatus(p)
		if err != nil {
			return fail(err)
		}
		return append(dst, m), nil
	case c == cmdExpansion && sub == 0:
		id, n := parseIdentity(p, len(p) >= 33)
		if n == 0 {
			return fail(ErrShort)
		}
		return append(dst, Identification{id}), nil
	case c == cmdExpansion && sub == ChangerPayoutValuePoll && len(p) > 0:
		return append(dst, PayoutValue{Value: uint16(p[0])}), nil
	case c == cmdExpansion && (sub == ChangerPayoutStatus || sub == ChangerManualFill || sub == ChangerManualPayout):
		var m CoinCounts
		m.N = uint8(copy(m.Counts[:], p))
		return append(dst, m), nil
	case c == cmdExpansion && sub == ChangerDiagnosticStatus:
		var m DiagnosticStatus
		for i := 0; i+1 < len(p); i += 2 {
			m.Codes = append(m.Codes, [2]byte{p[i], p[i+1]})
		}
		return append(dst, m), nil
	}
	return append(dst, UnknownAnswer{p}), nil
}

// AppendAnswer implements AnswerMessage.
func (m ChangerSetup) AppendAnswer(dst []byte, _ Dialect) []byte {
	dst = put16(append(put16(append(dst, m.Level), m.Currency), m.Scale, m.Decimals), m.Routing)
	return append(dst, m.Credits[:min(m.N, 16)]...)
}

// AppendAnswer implements AnswerMessage.
func (m TubeStatus) AppendAnswer(dst []byte, _ Dialect) []byte {
	return append(put16(dst, m.Full), m.Counts[:min(m.N, 16)]...)
}

// AppendAnswer implements AnswerMessage.
func (m Identification) AppendAnswer(dst []byte, _ Dialect) []byte {
	return m.append(dst, m.HasOptions)
}

// AppendAnswer implements AnswerMessage.
func (m CoinCounts) AppendAnswer(dst []byte, _ Dialect) []byte {
	return append(dst, m.Counts[:min(m.N, 16)]...)
}

// AppendAnswer implements AnswerMessage.
func (m PayoutValue) AppendAnswer(dst []byte, _ Dialect) []byte {
	if m.Wide {
		return put16(dst, m.Value)
	}
	return append(dst, byte(m.Value))
}

// AppendAnswer implements AnswerMessage.
func (m DiagnosticStatus) AppendAnswer(dst []byte, _ Dialect) []byte {
	for _, c := range m.Codes {
		dst = append(dst, c[0], c[1])
	}
	return dst
}

// AppendAnswer implements AnswerMessage.
func (m ChangerEvent) AppendAnswer(dst []byte, _ Dialect) []byte {
	switch m.Kind {
	case CoinDeposited:
		return append(dst, 0x40|m.Route&3<<4|m.Type&0x0F, m.Left)
	case CoinsDispensedManually:
		return append(dst, 0x80|m.Number&7<<4|m.Type&0x0F, m.Left)
	case Slugs:
		return append(dst, 0x20|m.Type&0x1F)
	}
	return append(dst, m.Type)
}
