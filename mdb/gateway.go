package mdb

// Messages of the communications gateway, mdb 8.
type (
	// GatewaySetup is 19: the scale of all amounts in REPORT.
	GatewaySetup struct{ Level, Scale, Decimals uint8 }
	// Report is 1B type 01: one transaction of the machine. Money is scaled.
	Report struct {
		Kind                 uint8 // 1 paid vend, 2 token, 3 free, 4 test, 5 revalue, 6 negative, 7 vendless, 8 service
		Item                 uint16
		Price                uint16 // list price, before discount and surcharge
		Tubes, CashBox       uint16
		Bills                uint16
		Cashless1, Cashless2 uint16
		Revalue1, Revalue2   uint16
		CashOut              uint16
		Discount, Surcharge  uint16
		UserGroup, PriceList uint8
		Date                 [4]byte // BCD YYYYMMDD, 99 unknown
		Time                 [2]byte // BCD HHMM
	}
	// ReportEvent is 1B type 02: an EVA-DTS event.
	ReportEvent struct {
		Code        string
		Date        [4]byte
		Time        [2]byte
		Duration    uint32 // minutes
		Active      bool
		Terminal    string
		HasTerminal bool // the long form, 34 bytes with the type
	}
	// ReportAsset is 1B type 03. Kind 07 is the machine itself; Number is set
	// instead of the identity where bit 7 of the kind was.
	ReportAsset struct {
		Kind     uint8
		HasID    bool
		Identity Identity
		Number   string
	}
	// ReportCurrency is 1B type 04.
	ReportCurrency struct {
		Currency        uint16
		Scale, Decimals uint8
	}
	// ReportProduct is 1B type 05.
	ReportProduct struct {
		Item    uint16
		Number  string
		Name    string
		Present bool
	}
	// GatewayControl is 1C: 00 disable, 01 enable, 02 transmit.
	GatewayControl struct{ Action uint8 }
	// GatewayExpansion is 1F 02, TIME/DATE REQUEST.
	GatewayTimeRequest struct{}
)

// Kinds of REPORT type 01.
const (
	ReportPaid     uint8 = 1
	ReportToken    uint8 = 2
	ReportFree     uint8 = 3
	ReportTest     uint8 = 4
	ReportRevalue  uint8 = 5
	ReportNegative uint8 = 6
	ReportVendless uint8 = 7
	ReportService  uint8 = 8
)

// AppendCommand implements CommandMessage.
func (m GatewaySetup) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	return append(dst, byte(to)|cmdSetup, m.Level, m.Scale, m.Decimals)
}

// AppendCommand implements CommandMessage.
func (m Report) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	dst = append(dst, byte(to)|3, 1, m.Kind)
	for _, v := range [...]uint16{
		m.Item, m.Price, m.Tubes, m.CashBox, m.Bills, m.Cashless1, m.Cashless2,
		m.Revalue1, m.Revalue2, m.CashOut, m.Discount, m.Surcharge,
	} {
		dst = put16(dst, v)
	}
	dst = append(dst, m.UserGroup, m.PriceList)
	return append(append(dst, m.Date[:]...), m.Time[:]...)
}

// AppendCommand implements CommandMessage.
func (m ReportEvent) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	dst = putText(append(dst, byte(to)|3, 2), m.Code, 10)
	dst = put32(append(append(dst, m.Date[:]...), m.Time[:]...), m.Duration)
	active := byte(0)
	if m.Active {
		active = 1
	}
	dst = append(dst, active)
	if m.HasTerminal {
		dst = putText(dst, m.Terminal, 12)
	}
	return dst
}

// AppendCommand implements CommandMessage.
func (m ReportAsset) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	dst = append(dst, byte(to)|3, 3)
	if m.HasID {
		return m.Identity.append(append(dst, m.Kind&0x7F), false)
	}
	return putText(append(dst, m.Kind|0x80), m.Number, 20)
}

// AppendCommand implements CommandMessage.
func (m ReportCurrency) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	return append(put16(append(dst, byte(to)|3, 4), m.Currency), m.Scale, m.Decimals)
}

// AppendCommand implements CommandMessage.
func (m ReportProduct) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	dst = putText(putText(put16(append(dst, byte(to)|3, 5), m.Item), m.Number, 6), m.Name, 20)
	if m.Present {
		return append(dst, 0)
	}
	return append(dst, 1)
}

// AppendCommand implements CommandMessage.
func (m GatewayControl) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	return append(dst, byte(to)|4, m.Action)
}

// AppendCommand implements CommandMessage.
func (GatewayTimeRequest) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	return append(dst, byte(to)|cmdExpansion, 2)
}

func parseGatewayCommand(c byte, p []byte) (CommandMessage, error) {
	switch {
	case c == 1:
		if len(p) < 3 {
			return nil, ErrShort
		}
		return GatewaySetup{p[0], p[1], p[2]}, nil
	case c == 3:
		if len(p) < 1 {
			return nil, ErrShort
		}
		return parseReport(p[0], p[1:])
	case c == 4:
		if len(p) < 1 {
			return nil, ErrShort
		}
		return GatewayControl{p[0]}, nil
	case c == cmdExpansion && len(p) > 0 && p[0] == 0:
		return IdentificationRequest{}, nil
	case c == cmdExpansion && len(p) > 0 && p[0] == 1:
		if len(p) < 5 {
			return nil, ErrShort
		}
		return FeatureEnable{be32(p[1:])}, nil
	case c == cmdExpansion && len(p) > 0 && p[0] == 2:
		return GatewayTimeRequest{}, nil
	}
	return nil, nil
}

func parseReport(kind byte, b []byte) (CommandMessage, error) {
	need := map[byte]int{1: 33, 2: 21, 3: 1, 4: 4, 5: 29}[kind]
	if len(b) < need {
		return nil, ErrShort
	}
	switch kind {
	case 1:
		return Report{
			Kind: b[0], Item: be16(b[1:]), Price: be16(b[3:]), Tubes: be16(b[5:]), CashBox: be16(b[7:]),
			Bills: be16(b[9:]), Cashless1: be16(b[11:]), Cashless2: be16(b[13:]), Revalue1: be16(b[15:]),
			Revalue2: be16(b[17:]), CashOut: be16(b[19:]), Discount: be16(b[21:]), Surcharge: be16(b[23:]),
			UserGroup: b[25], PriceList: b[26], Date: [4]byte(b[27:]), Time: [2]byte(b[31:]),
		}, nil
	case 2:
		m := ReportEvent{
			Code: trim(b[:10]), Date: [4]byte(b[10:]), Time: [2]byte(b[14:]),
			Duration: be32(b[16:]), Active: b[20] != 0,
		}
		if len(b) >= 33 {
			m.Terminal, m.HasTerminal = trim(b[21:33]), true
		}
		return m, nil
	case 3:
		m := ReportAsset{Kind: b[0] & 0x7F}
		if b[0]&0x80 != 0 {
			m.Number = trim(b[1:min(len(b), 21)])
			return m, nil
		}
		id, n := parseIdentity(b[1:], false)
		if n == 0 {
			return nil, ErrShort
		}
		m.Identity, m.HasID = id, true
		return m, nil
	case 4:
		return ReportCurrency{be16(b), b[2], b[3]}, nil
	case 5:
		return ReportProduct{Item: be16(b), Number: trim(b[2:8]), Name: trim(b[8:28]), Present: b[28] == 0}, nil
	}
	return nil, nil
}

// Answers of the gateway.
type (
	// GatewayConfig is 01.
	GatewayConfig struct {
		Level       uint8
		MaxResponse uint16 // s
	}
	// GatewayNotice is one of 02 request to transmit, 03 data transmitted, 05 DTS
	// event acknowledge.
	GatewayNotice struct{ Code uint8 }
	// GatewayError is 04 with an ASCII code of the EVA-DTS fault list.
	GatewayError struct{ Code string }
	// GatewayID is 06.
	GatewayID struct{ Identity }
	// SignalStrength is 07 with two bytes.
	SignalStrength struct{ Percent uint8 }
	// GatewayTime is the time answer, with code 07 or 01 (the text has both): BCD
	// as WriteTime; Week is FF where the short form leaves it out.
	GatewayTime struct {
		Code byte
		BCD  []byte
	}
)

func parseGatewayAnswer(dst []AnswerMessage, c, sub byte, p []byte) ([]AnswerMessage, error) {
	for i := 0; i < len(p); {
		b := p[i+1:]
		var m AnswerMessage
		n := 0
		switch code := p[i]; {
		case (code == 7 || code == 1) && c == cmdExpansion && sub == 2:
			m, n = GatewayTime{code, b}, len(b)
		case code == 0:
			m = JustReset{}
		case code == 1 && len(b) >= 3:
			m, n = GatewayConfig{b[0], be16(b[1:])}, 3
		case code == 2 || code == 3 || code == 5:
			m = GatewayNotice{code}
		case code == 4:
			m, n = GatewayError{string(b)}, len(b)
		case code == 6 && len(b) >= 33:
			id, k := parseIdentity(b, true)
			m, n = GatewayID{id}, k
		case code == 7 && len(b) >= 1:
			m, n = SignalStrength{b[0]}, 1
		case code == 0xFF:
			m, n = DiagnosticsResponse{Data: b}, len(b)
		case code == 1 || code == 6 || code == 7:
			return dst, &ParseError{Gateway, code, i, ErrShort}
		default:
			return dst, &ParseError{Gateway, code, i, ErrUnknown}
		}
		dst = append(dst, m)
		i += 1 + n
	}
	return dst, nil
}

// AppendAnswer implements AnswerMessage.
func (m GatewayConfig) AppendAnswer(dst []byte, _ Dialect) []byte {
	return put16(append(dst, 1, m.Level), m.MaxResponse)
}

// AppendAnswer implements AnswerMessage.
func (m GatewayNotice) AppendAnswer(dst []byte, _ Dialect) []byte { return append(dst, m.Code) }

// AppendAnswer implements AnswerMessage.
func (m GatewayError) AppendAnswer(dst []byte, _ Dialect) []byte {
	return append(append(dst, 4), m.Code...)
}

// AppendAnswer implements AnswerMessage.
func (m GatewayID) AppendAnswer(dst []byte, _ Dialect) []byte { return m.append(append(dst, 6), true) }

// AppendAnswer implements AnswerMessage.
func (m SignalStrength) AppendAnswer(dst []byte, _ Dialect) []byte { return append(dst, 7, m.Percent) }

// AppendAnswer implements AnswerMessage.
func (m GatewayTime) AppendAnswer(dst []byte, _ Dialect) []byte {
	return append(append(dst, m.Code), m.BCD...)
}
