package mdb

// Messages of a reader, mdb 7.4. The first byte of each is its code.
type (
	// JustReset is 00.
	JustReset struct{}
	// ReaderConfig is 01.
	ReaderConfig struct {
		Level       uint8 // bit 7 announces stand-by (appendix 2)
		Currency    uint16
		Scale       uint8
		Decimals    uint8
		MaxResponse uint8 // s
		Options     uint8
	}
	// DisplayRequest is 02: Time in 0.1 s.
	DisplayRequest struct {
		Time uint8
		Text string
	}
	// BeginSession is 03. Full is false for the level 1 form, which has funds
	// only; the last three fields exist in expanded currency mode.
	BeginSession struct {
		Funds       uint32 // FFFF, FFFFFFFF: unknown
		Full        bool
		Media       uint32
		PaymentType uint8
		PaymentData uint16
		Wide        bool
		Language    [2]byte
		Currency    uint16
		CardOptions uint8
		Short       bool // three bytes though the level asks for ten: some readers do
	}
	// SessionCancelRequest is 04.
	SessionCancelRequest struct{}
	// VendApproved is 05: the amount really charged; Token for FFFF, FFFFFFFF.
	VendApproved struct {
		Amount uint32
		Token  bool
	}
	// VendDenied is 06.
	VendDenied struct{}
	// EndSession is 07.
	EndSession struct{}
	// Cancelled is 08.
	Cancelled struct{}
	// PeripheralID is 09.
	PeripheralID struct{ Identity }
	// Malfunction is 0A: high nibble type, low nibble sub-code.
	Malfunction struct{ Code uint8 }
	// OutOfSequence is 0B; Bare without the state, which level 1 leaves out.
	OutOfSequence struct {
		State uint8
		Bare  bool
	}
	// RevalueApproved is 0D.
	RevalueApproved struct{}
	// RevalueDenied is 0E.
	RevalueDenied struct{}
	// RevalueLimit is 0F.
	RevalueLimit struct{ Amount uint32 }
	// UserFileData is 10.
	UserFileData struct {
		Number uint8
		Data   []byte
	}
	// TimeRequest is 11.
	TimeRequest struct{}
	// DataEntryRequest is 12.
	DataEntryRequest struct {
		Repeat bool
		Length uint8
	}
	// DataEntryCancel is 13.
	DataEntryCancel struct{}
	// SelectionRequest is 14 of version 4.3, layout from secondary sources.
	SelectionRequest struct {
		Funds       uint32
		Media       uint32
		PaymentType uint8
		PaymentData uint16
		Item        uint16
		Wide        bool
		Tail        []byte // expanded currency mode: unread
	}
)

// Options of READER CONFIG.
const (
	ReaderCanRefund = 1 << 0
	ReaderMultivend = 1 << 1
	ReaderDisplay   = 1 << 2
	ReaderCashSale  = 1 << 3 // wants CASH SALE
)

// RefundError is the type nibble of a MALFUNCTION that tells a refund failed.
const RefundError = 0xC0

func money(b []byte, dl Dialect) (v uint32, unknown bool) {
	if dl.EC {
		v = be32(b)
		return v, v == 0xFFFFFFFF
	}
	v = uint32(be16(b))
	return v, v == 0xFFFF
}

// ParseReaderMessage reads the first message of p, a reader's data without
// checksum, and says how many bytes it took. Lengths depend on dl; where the
// level is unknown the rest of the block decides.
func ParseReaderMessage(p []byte, dl Dialect) (AnswerMessage, int, error) {
	if len(p) == 0 {
		return nil, 0, ErrShort
	}
	wide := 2
	if dl.EC {
		wide = 4
	}
	need := func(n int) bool { return len(p) >= n }
	switch p[0] {
	case 0x00:
		return JustReset{}, 1, nil
	case 0x01:
		if !need(8) {
			return nil, 0, ErrShort
		}
		return ReaderConfig{p[1], be16(p[2:]), p[4], p[5], p[6], p[7]}, 8, nil
	case 0x02:
		if !need(2) {
			return nil, 0, ErrShort
		}
		n := min(len(p), 34)
		if dl.Screen > 0 {
			n = min(n, 2+int(dl.Screen))
		}
		return DisplayRequest{Time: p[1], Text: string(p[2:n])}, n, nil
	case 0x03:
		return parseBeginSession(p, dl)
	case 0x04:
		return SessionCancelRequest{}, 1, nil
	case 0x05:
		if !need(1 + wide) {
			return nil, 0, ErrShort
		}
		v, token := money(p[1:], dl)
		return VendApproved{Amount: v, Token: token}, 1 + wide, nil
	case 0x06:
		return VendDenied{}, 1, nil
	case 0x07:
		return EndSession{}, 1, nil
	case 0x08:
		return Cancelled{}, 1, nil
	case 0x09:
		id, n := parseIdentity(p[1:], true)
		if n == 0 || dl.VMCLevel != 0 && dl.VMCLevel < 3 && !dl.EC {
			id, n = parseIdentity(p[1:], false)
		}
		if n == 0 {
			return nil, 0, ErrShort
		}
		return PeripheralID{id}, n + 1, nil
	case 0x0A:
		if !need(2) {
			return nil, 0, ErrShort
		}
		return Malfunction{Code: p[1]}, 2, nil
	case 0x0B:
		if dl.Level == 1 || len(p) == 1 {
			return OutOfSequence{Bare: true}, 1, nil
		}
		return OutOfSequence{State: p[1]}, 2, nil
	case 0x0D:
		return RevalueApproved{}, 1, nil
	case 0x0E:
		return RevalueDenied{}, 1, nil
	case 0x0F:
		if !need(1 + wide) {
			return nil, 0, ErrShort
		}
		v, _ := money(p[1:], dl)
		return RevalueLimit{Amount: v}, 1 + wide, nil
	case 0x10:
		if !need(3) || len(p)-3 < int(p[2]) {
			return nil, 0, ErrShort
		}
		return UserFileData{Number: p[1], Data: p[3 : 3+int(p[2])]}, 3 + int(p[2]), nil
	case 0x11:
		return TimeRequest{}, 1, nil
	case 0x12:
		if !need(2) {
			return nil, 0, ErrShort
		}
		return DataEntryRequest{Repeat: p[1]&0x80 != 0, Length: p[1] & 0x7F}, 2, nil
	case 0x13:
		return DataEntryCancel{}, 1, nil
	case 0x14:
		return parseSelection(p, dl)
	case 0xFF:
		return DiagnosticsResponse{Data: p[1:]}, len(p), nil
	}
	return nil, 0, ErrUnknown
}

func parseBeginSession(p []byte, dl Dialect) (AnswerMessage, int, error) {
	full := dl.Level >= 2 || dl.EC
	if dl.Level == 0 && !dl.EC {
		full = len(p) >= 10
	}
	switch {
	case dl.EC && len(p) >= 17:
		return BeginSession{
			Funds: be32(p[1:]), Full: true, Media: be32(p[5:]), PaymentType: p[9], PaymentData: be16(p[10:]),
			Wide: true, Language: [2]byte(p[12:]), Currency: be16(p[14:]), CardOptions: p[16],
		}, 17, nil
	case !dl.EC && full && len(p) >= 10:
		return BeginSession{
			Funds: uint32(be16(p[1:])), Full: true, Media: be32(p[3:]), PaymentType: p[7], PaymentData: be16(p[8:]),
		}, 10, nil
	case !dl.EC && len(p) >= 3:
		return BeginSession{Funds: uint32(be16(p[1:])), Short: full}, 3, nil
	}
	return nil, 0, ErrShort
}

func parseSelection(p []byte, dl Dialect) (AnswerMessage, int, error) {
	if dl.EC {
		if len(p) < 23 {
			return nil, 0, ErrShort
		}
		return SelectionRequest{
			Funds: be32(p[1:]), Media: be32(p[5:]), PaymentType: p[9], PaymentData: be16(p[10:]),
			Item: be16(p[12:]), Wide: true, Tail: p[14:23],
		}, 23, nil
	}
	if len(p) < 12 {
		return nil, 0, ErrShort
	}
	return SelectionRequest{
		Funds: uint32(be16(p[1:])), Media: be32(p[3:]), PaymentType: p[7], PaymentData: be16(p[8:]), Item: be16(p[10:]),
	}, 12, nil
}

func parseReaderAnswer(dst []AnswerMessage, d Device, p []byte, dl Dialect) ([]AnswerMessage, error) {
	for i := 0; i < len(p); {
		if p[i] == 0xFF && i == 0 {
			if m, ok := parseAgeResponse(p[1:]); ok {
				return append(dst, m), nil
			}
		}
		// FF after another message is padding of some readers, not diagnostics (reference 17).
		if p[i] == 0xFF && i > 0 {
			return dst, &ParseError{d, p[i], i, ErrUnknown}
		}
		m, n, err := ParseReaderMessage(p[i:], dl)
		if err != nil {
			return dst, &ParseError{d, p[i], i, err}
		}
		dst = append(dst, m)
		i += n
	}
	return dst, nil
}
