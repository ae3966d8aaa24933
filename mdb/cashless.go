package mdb

// Commands of the VMC to a reader, mdb 7.4.
type (
	// SetupConfig is 11 00.
	SetupConfig struct {
		Level         uint8 // of the VMC; bit 7 announces stand-by (appendix 2)
		Columns, Rows uint8
		Display       uint8
	}
	// MaxMinPrices is 11 01; FFFF or FFFFFFFF as Max and 0 as Min mean unknown.
	// Currency is sent in expanded currency mode only.
	MaxMinPrices struct {
		Max, Min uint32
		Currency uint16
		EC       bool // as parsed: 32-bit form
	}
	// VendRequest is 13 00. Item FFFF is unknown.
	VendRequest struct {
		Price uint32
		Item  uint16
	}
	// VendCancel is 13 01.
	VendCancel struct{}
	// VendSuccess is 13 02.
	VendSuccess struct{ Item uint16 }
	// VendFailure is 13 03.
	VendFailure struct{}
	// SessionComplete is 13 04.
	SessionComplete struct{}
	// CashSale is 13 05. The item's four high bits are flags by mdb 7.4.10 unless
	// the machine numbers items above 4095.
	CashSale struct {
		Price    uint32
		Item     uint16
		Currency uint16 // expanded currency mode only
	}
	// NegativeVendRequest is 13 06: goods come back.
	NegativeVendRequest struct {
		Value uint32
		Item  uint16
	}
	// ReaderControl is 14 00 disable, 01 enable, 02 cancel.
	ReaderControl struct{ Action uint8 }
	// DataEntryResponse is 14 03; eight FF mean cancelled.
	DataEntryResponse struct{ Keys [8]byte }
	// RevalueRequest is 15 00: cash credit goes to the card.
	RevalueRequest struct{ Amount uint32 }
	// RevalueLimitRequest is 15 01.
	RevalueLimitRequest struct{}
	// RequestID is 17 00 with the identity of the VMC.
	RequestID struct{ Identity }
	// ReadUserFile is 17 01.
	ReadUserFile struct{ Number uint8 }
	// WriteUserFile is 17 02.
	WriteUserFile struct {
		Number uint8
		Data   []byte
	}
	// WriteTime is 17 03: BCD year, month, day, hour, minute, second, weekday
	// (1 Monday), week, summer time, holiday; FF not supported.
	WriteTime struct{ BCD [10]byte }
)

// ReaderControl actions.
const (
	ReaderDisable uint8 = 0
	ReaderEnable  uint8 = 1
	ReaderCancel  uint8 = 2
)

// Options a reader announces in PERIPHERAL ID and the VMC enables by 17 04.
const (
	OptionFTL           = 1 << 0
	Option32Bit         = 1 << 1
	OptionMultiCurrency = 1 << 2
	OptionNegativeVend  = 1 << 3
	OptionDataEntry     = 1 << 4
	OptionAlwaysIdle    = 1 << 5
	OptionRemoteVend    = 1 << 6
)

// Flags in the item number of CASH SALE.
const (
	FreeVend     = 0x8000
	TestVend     = 0x4000
	NegativeVend = 0x2000
	TokenVend    = 0x1000
	VendFlags    = FreeVend | TestVend | NegativeVend | TokenVend
)

// ItemUnknown is the item number of a VMC that tells none.
const ItemUnknown uint16 = 0xFFFF

func putMoney(dst []byte, v uint32, dl Dialect) []byte {
	if dl.EC {
		return put32(dst, v)
	}
	return put16(dst, uint16(min(v, 0xFFFF)))
}

// Screen gives how many characters a DISPLAY REQUEST has for this VMC, 0 where
// it has no display (mdb 7.4.3: columns times rows, at most 32).
func (m SetupConfig) Screen() uint8 { return uint8(min(uint16(m.Columns)*uint16(m.Rows), 32)) }

// AppendCommand implements CommandMessage.
func (m SetupConfig) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	return append(dst, byte(to)|1, 0, m.Level, m.Columns, m.Rows, m.Display)
}

// AppendCommand implements CommandMessage.
func (m MaxMinPrices) AppendCommand(dst []byte, to Device, dl Dialect) []byte {
	dst = putMoney(putMoney(append(dst, byte(to)|1, 1), m.Max, dl), m.Min, dl)
	if dl.EC {
		dst = put16(dst, m.Currency)
	}
	return dst
}

// AppendCommand implements CommandMessage.
func (m VendRequest) AppendCommand(dst []byte, to Device, dl Dialect) []byte {
	return put16(putMoney(append(dst, byte(to)|3, 0), m.Price, dl), m.Item)
}

// AppendCommand implements CommandMessage.
func (VendCancel) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	return append(dst, byte(to)|3, 1)
}

// AppendCommand implements CommandMessage.
func (m VendSuccess) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	return put16(append(dst, byte(to)|3, 2), m.Item)
}

// AppendCommand implements CommandMessage.
func (VendFailure) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	return append(dst, byte(to)|3, 3)
}

// AppendCommand implements CommandMessage.
func (SessionComplete) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	return append(dst, byte(to)|3, 4)
}

// AppendCommand implements CommandMessage.
func (m CashSale) AppendCommand(dst []byte, to Device, dl Dialect) []byte {
	dst = put16(putMoney(append(dst, byte(to)|3, 5), m.Price, dl), m.Item)
	if dl.EC {
		dst = put16(dst, m.Currency)
	}
	return dst
}

// AppendCommand implements CommandMessage.
func (m NegativeVendRequest) AppendCommand(dst []byte, to Device, dl Dialect) []byte {
	return put16(putMoney(append(dst, byte(to)|3, 6), m.Value, dl), m.Item)
}

// AppendCommand implements CommandMessage.
func (m ReaderControl) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	return append(dst, byte(to)|4, m.Action)
}

// AppendCommand implements CommandMessage.
func (m DataEntryResponse) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	return append(append(dst, byte(to)|4, 3), m.Keys[:]...)
}

// AppendCommand implements CommandMessage.
func (m RevalueRequest) AppendCommand(dst []byte, to Device, dl Dialect) []byte {
	return putMoney(append(dst, byte(to)|5, 0), m.Amount, dl)
}

// AppendCommand implements CommandMessage.
func (RevalueLimitRequest) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	return append(dst, byte(to)|5, 1)
}

// AppendCommand implements CommandMessage.
func (m RequestID) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	return m.append(append(dst, byte(to)|cmdExpansion, 0), false)
}

// AppendCommand implements CommandMessage.
func (m ReadUserFile) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	return append(dst, byte(to)|cmdExpansion, 1, m.Number)
}

// AppendCommand implements CommandMessage.
func (m WriteUserFile) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	return append(append(dst, byte(to)|cmdExpansion, 2, m.Number, byte(len(m.Data))), m.Data...)
}

// AppendCommand implements CommandMessage.
func (m WriteTime) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	return append(append(dst, byte(to)|cmdExpansion, 3), m.BCD[:]...)
}

// parseReaderCommand reads what follows the command byte. Money is 32 bits wide
// when the block has exactly the length of the long form, or dl says so and the
// block is no exact short form (reference 15.7).
func parseReaderCommand(c byte, p []byte, dl Dialect) (CommandMessage, error) {
	if len(p) == 0 {
		return nil, ErrShort
	}
	sub, b := p[0], p[1:]
	wide := func(short, long int) bool {
		return len(b) == long || dl.EC && len(b) != short && len(b) > long
	}
	switch {
	case c == 1 && sub == 0:
		if len(b) < 4 {
			return nil, ErrShort
		}
		return SetupConfig{Level: b[0], Columns: b[1], Rows: b[2], Display: b[3]}, nil
	case c == 1 && sub == 1:
		if wide(4, 10) {
			return MaxMinPrices{Max: be32(b), Min: be32(b[4:]), Currency: be16(b[8:]), EC: true}, nil
		}
		if len(b) < 4 {
			return nil, ErrShort
		}
		return MaxMinPrices{Max: uint32(be16(b)), Min: uint32(be16(b[2:]))}, nil
	case c == 3:
		return parseVend(sub, b, dl)
	case c == 4 && sub <= ReaderCancel:
		return ReaderControl{Action: sub}, nil
	case c == 4 && sub == 3:
		if len(b) < 8 {
			return nil, ErrShort
		}
		return DataEntryResponse{Keys: [8]byte(b)}, nil
	case c == 5 && sub == 0:
		if wide(2, 4) {
			return RevalueRequest{Amount: be32(b)}, nil
		}
		if len(b) < 2 {
			return nil, ErrShort
		}
		return RevalueRequest{Amount: uint32(be16(b))}, nil
	case c == 5 && sub == 1:
		return RevalueLimitRequest{}, nil
	case c == cmdExpansion:
		return parseReaderExpansion(sub, b)
	}
	return nil, nil
}

func parseReaderExpansion(sub byte, b []byte) (CommandMessage, error) {
	switch sub {
	case 0:
		id, n := parseIdentity(b, false)
		if n == 0 {
			return nil, ErrShort
		}
		return RequestID{id}, nil
	case 1:
		if len(b) < 1 {
			return nil, ErrShort
		}
		return ReadUserFile{Number: b[0]}, nil
	case 2:
		if len(b) < 2 || len(b)-2 < int(b[1]) {
			return nil, ErrShort
		}
		return WriteUserFile{Number: b[0], Data: b[2 : 2+int(b[1])]}, nil
	case 3:
		if len(b) < 10 {
			return nil, ErrShort
		}
		return WriteTime{BCD: [10]byte(b)}, nil
	case 4:
		if len(b) < 4 {
			return nil, ErrShort
		}
		return FeatureEnable{Options: be32(b)}, nil
	}
	return nil, nil
}

// VendForm gives the width of the money in a VEND block by its payload length
// after the sub-command: whether it is the exact 16-bit form, the exact 32-bit
// form, or neither. A block of neither form is not to be trusted with an amount.
func VendForm(sub byte, n int) (narrow, wide bool) {
	switch sub {
	case 0, 6:
		return n == 4, n == 6
	case 5:
		return n == 4, n == 8
	}
	return false, false
}

func parseVend(sub byte, b []byte, dl Dialect) (CommandMessage, error) {
	switch sub {
	case 1:
		return VendCancel{}, nil
	case 2:
		if len(b) < 2 {
			return nil, ErrShort
		}
		return VendSuccess{Item: be16(b)}, nil
	case 3:
		return VendFailure{}, nil
	case 4:
		return SessionComplete{}, nil
	case 0, 5, 6:
	default:
		return nil, nil
	}
	narrow, wide := VendForm(sub, len(b))
	ec := wide || dl.EC && !narrow
	need := 4
	if ec {
		need = 6
	}
	if len(b) < need {
		return nil, ErrShort
	}
	var price uint32
	var item uint16
	if ec {
		price, item = be32(b), be16(b[4:])
	} else {
		price, item = uint32(be16(b)), be16(b[2:])
	}
	switch sub {
	case 0:
		return VendRequest{Price: price, Item: item}, nil
	case 6:
		return NegativeVendRequest{Value: price, Item: item}, nil
	}
	m := CashSale{Price: price, Item: item}
	if ec && len(b) >= 8 {
		m.Currency = be16(b[6:])
	}
	return m, nil
}
