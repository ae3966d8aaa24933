package mdb

// Commands to a coin hopper or tube dispenser, mdb 10; SETUP, IDENTIFICATION,
// FEATURE ENABLE and DispenseValue are shared types.
type (
	// HopperStatusRequest is 5A.
	HopperStatusRequest struct{}
	// ManualDispenseEnable is 5C.
	ManualDispenseEnable struct{ Types uint16 }
	// DispenseCoins is 5D 00.
	DispenseCoins struct {
		Type   uint8
		Number uint16
	}
	// HopperPayout is 5E: 00 status, 01 value poll.
	HopperPayout struct{ ValuePoll bool }
)

// Answers of a hopper; the status is BillCounts with HasFull.
type (
	// HopperSetup answers 59. N credits were sent.
	HopperSetup struct {
		Level       uint8
		Currency    uint16
		Scale       uint8
		Decimals    uint8
		MaxResponse uint8 // s
		Disabled    uint16
		SelfFilling uint16
		Credits     [16]uint8
		N           uint8
	}
	// HopperEvent is one event of a POLL answer: coins dispensed (5 bytes, sent
	// once at the end of a payout) or a status code.
	HopperEvent struct {
		Dispensed bool
		Type      uint8 // coin type, or status code
		Manual    bool
		OK        bool // complete, not aborted
		Number    uint16
		Left      uint16
	}
)

// AppendCommand implements CommandMessage.
func (HopperStatusRequest) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	return append(dst, byte(to)|2)
}

// AppendCommand implements CommandMessage.
func (m ManualDispenseEnable) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	return put16(append(dst, byte(to)|4), m.Types)
}

// AppendCommand implements CommandMessage.
func (m DispenseCoins) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	return put16(append(dst, byte(to)|5, 0, m.Type), m.Number)
}

// AppendCommand implements CommandMessage.
func (m HopperPayout) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	if m.ValuePoll {
		return append(dst, byte(to)|6, 1)
	}
	return append(dst, byte(to)|6, 0)
}

func parseHopperCommand(c byte, p []byte) (CommandMessage, error) {
	sub := -1
	if len(p) > 0 {
		sub = int(p[0])
	}
	switch {
	case c == 1:
		return SetupRequest{}, nil
	case c == 2:
		return HopperStatusRequest{}, nil
	case c == 4 && len(p) >= 2:
		return ManualDispenseEnable{be16(p)}, nil
	case c == 5 && sub == 0 && len(p) >= 4:
		return DispenseCoins{p[1], be16(p[2:])}, nil
	case c == 5 && sub == 1 && len(p) >= 3:
		return DispenseValue{be16(p[1:])}, nil
	case c == 6 && (sub == 0 || sub == 1):
		return HopperPayout{sub == 1}, nil
	case c == cmdExpansion && sub == 0:
		return IdentificationRequest{}, nil
	case c == cmdExpansion && sub == 1 && len(p) >= 5:
		return FeatureEnable{be32(p[1:])}, nil
	case c == 4, c == 5 && sub <= 1, c == 6 && sub < 0, c == cmdExpansion && sub <= 1:
		return nil, ErrShort
	}
	return nil, nil
}

func parseHopperAnswer(dst []AnswerMessage, d Device, c, sub byte, p []byte) ([]AnswerMessage, error) {
	short := func() ([]AnswerMessage, error) { return dst, &ParseError{d, c, 0, ErrShort} }
	switch {
	case c == 1:
		if len(p) < 10 {
			return short()
		}
		m := HopperSetup{
			Level: p[0], Currency: be16(p[1:]), Scale: p[3], Decimals: p[4], MaxResponse: p[5],
			Disabled: be16(p[6:]), SelfFilling: be16(p[8:]),
		}
		m.N = uint8(copy(m.Credits[:], p[10:]))
		return append(dst, m), nil
	case c == 2, c == 6 && sub == 0:
		m, err := parseBillCounts(p, c == 2)
		if err != nil {
			return short()
		}
		return append(dst, m), nil
	case c == 6 && sub == 1:
		if len(p) < 2 {
			return short()
		}
		return append(dst, PayoutValue{Value: be16(p), Wide: true}), nil
	case c == cmdExpansion && sub == 0:
		id, n := parseIdentity(p, true)
		if n == 0 {
			return short()
		}
		return append(dst, Identification{id}), nil
	case c == 3:
		for i := 0; i < len(p); i++ {
			v := p[i]
			if v&0xC0 != 0x80 {
				dst = append(dst, HopperEvent{Type: v})
				continue
			}
			if len(p)-i < 5 {
				return dst, &ParseError{d, v, i, ErrShort}
			}
			dst = append(dst, HopperEvent{
				Dispensed: true, Type: v & 0x0F, Manual: v&0x10 != 0, OK: v&0x20 != 0, Number: be16(p[i+1:]), Left: be16(p[i+3:]),
			})
			i += 4
		}
		return dst, nil
	}
	return append(dst, UnknownAnswer{p}), nil
}

// AppendAnswer implements AnswerMessage.
func (m HopperSetup) AppendAnswer(dst []byte, _ Dialect) []byte {
	dst = append(put16(append(dst, m.Level), m.Currency), m.Scale, m.Decimals, m.MaxResponse)
	dst = put16(put16(dst, m.Disabled), m.SelfFilling)
	return append(dst, m.Credits[:min(m.N, 16)]...)
}

// AppendAnswer implements AnswerMessage.
func (m HopperEvent) AppendAnswer(dst []byte, _ Dialect) []byte {
	if !m.Dispensed {
		return append(dst, m.Type)
	}
	v := 0x80 | m.Type&0x0F
	if m.Manual {
		v |= 0x10
	}
	if m.OK {
		v |= 0x20
	}
	return put16(put16(append(dst, v), m.Number), m.Left)
}
