package mdb

// Commands to a universal satellite device, mdb 9.
type (
	// SatelliteSetup is 41.
	SatelliteSetup struct {
		Level      uint8
		Scale      uint16
		Decimals   uint8
		MaxApprove uint8 // s
	}
	// SatelliteVend is 43: 00 approve, 01 deny, 02 vend item, 03 home item, 04 status of item.
	SatelliteVend struct {
		Op   uint8
		Item uint16
	}
	// SatelliteFunds is 44 00.
	SatelliteFunds struct{ Amount uint16 }
	// SatellitePrice is 44 01; Label FFFF is none.
	SatellitePrice struct{ Item, Price, Label uint16 }
	// SatelliteControl is 45.
	SatelliteControl struct{ Enable bool }
	// SatelliteBlock is 47 02 (count of blocks to send), 03 (block with data), 04
	// (request of a block), 05 (single block).
	SatelliteBlock struct {
		Op    uint8
		Block uint8 // number, or count
		Data  []byte
	}
)

// Messages of a satellite.
type (
	// SatelliteRequest is 01: Price FFFF is unknown.
	SatelliteRequest struct{ Item, Price uint16 }
	// SatelliteDone is 02: vend or home succeeded.
	SatelliteDone struct{}
	// SatelliteState is 03 (vend or home failed) and 08 (status): flags of an item.
	SatelliteState struct {
		Failed bool
		Item   uint16
		Flags  uint16
	}
	// SatelliteConfig is 04; MaxPrice FFFF is none.
	SatelliteConfig struct {
		Level       uint8
		MaxPrice    uint16
		Items       uint16
		MaxResponse uint8 // s
	}
	// SatellitePriceRequest is 05.
	SatellitePriceRequest struct{ Item uint16 }
	// SatelliteError is 06.
	SatelliteError struct{ Flags uint16 }
	// SatelliteID is 07.
	SatelliteID struct{ Identity }
	// SatelliteTransfer is 09: 00 wants Block, 01 has Block blocks, 02 Data of Block;
	// Op FF stands for 0A, a single block.
	SatelliteTransfer struct {
		Op    uint8
		Block uint8
		Data  []byte
	}
)

// SingleBlock as SatelliteTransfer.Op is message 0A.
const SingleBlock = 0xFF

// AppendCommand implements CommandMessage.
func (m SatelliteSetup) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	return append(put16(append(dst, byte(to)|1, m.Level), m.Scale), m.Decimals, m.MaxApprove)
}

// AppendCommand implements CommandMessage.
func (m SatelliteVend) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	dst = append(dst, byte(to)|3, m.Op)
	if m.Op >= 2 {
		dst = put16(dst, m.Item)
	}
	return dst
}

// AppendCommand implements CommandMessage.
func (m SatelliteFunds) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	return put16(append(dst, byte(to)|4, 0), m.Amount)
}

// AppendCommand implements CommandMessage.
func (m SatellitePrice) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	return put16(put16(put16(append(dst, byte(to)|4, 1), m.Item), m.Price), m.Label)
}

// AppendCommand implements CommandMessage.
func (m SatelliteControl) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	v := byte(0)
	if m.Enable {
		v = 1
	}
	return append(dst, byte(to)|5, v)
}

// AppendCommand implements CommandMessage.
func (m SatelliteBlock) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	dst = append(dst, byte(to)|cmdExpansion, m.Op)
	if m.Op != 5 {
		dst = append(dst, m.Block)
	}
	return append(dst, m.Data...)
}

func parseSatelliteCommand(c byte, p []byte) (CommandMessage, error) {
	if len(p) == 0 {
		return nil, ErrShort
	}
	need := func(n int) bool { return len(p) >= n }
	switch c {
	case 1:
		if !need(5) {
			return nil, ErrShort
		}
		return SatelliteSetup{p[0], be16(p[1:]), p[3], p[4]}, nil
	case 3:
		m := SatelliteVend{Op: p[0]}
		if m.Op > 4 {
			return nil, nil
		}
		if m.Op >= 2 {
			if !need(3) {
				return nil, ErrShort
			}
			m.Item = be16(p[1:])
		}
		return m, nil
	case 4:
		switch {
		case p[0] == 0 && need(3):
			return SatelliteFunds{be16(p[1:])}, nil
		case p[0] == 1 && need(7):
			return SatellitePrice{be16(p[1:]), be16(p[3:]), be16(p[5:])}, nil
		}
		return nil, ErrShort
	case 5:
		return SatelliteControl{p[0] == 1}, nil
	case cmdExpansion:
		switch p[0] {
		case 0:
			return IdentificationRequest{}, nil
		case 1:
			if !need(5) {
				return nil, ErrShort
			}
			return FeatureEnable{be32(p[1:])}, nil
		case 2, 3, 4:
			if !need(2) {
				return nil, ErrShort
			}
			return SatelliteBlock{Op: p[0], Block: p[1], Data: p[2:]}, nil
		case 5:
			return SatelliteBlock{Op: 5, Data: p[1:]}, nil
		}
	}
	return nil, nil
}

func parseSatelliteAnswer(dst []AnswerMessage, d Device, p []byte) ([]AnswerMessage, error) {
	for i := 0; i < len(p); {
		m, n := nextSatellite(p[i], p[i+1:])
		if m == nil {
			return dst, &ParseError{d, p[i], i, ErrUnknown}
		}
		dst = append(dst, m)
		i += 1 + n
	}
	return dst, nil
}

// nextSatellite reads the message of a code; nil when it is unknown or short.
func nextSatellite(code byte, b []byte) (AnswerMessage, int) {
	switch {
	case code == 0:
		return JustReset{}, 0
	case code == 1 && len(b) >= 4:
		return SatelliteRequest{be16(b), be16(b[2:])}, 4
	case code == 2:
		return SatelliteDone{}, 0
	case (code == 3 || code == 8) && len(b) >= 4:
		return SatelliteState{code == 3, be16(b), be16(b[2:])}, 4
	case code == 4 && len(b) >= 6:
		return SatelliteConfig{b[0], be16(b[1:]), be16(b[3:]), b[5]}, 6
	case code == 5 && len(b) >= 2:
		return SatellitePriceRequest{be16(b)}, 2
	case code == 6 && len(b) >= 2:
		return SatelliteError{be16(b)}, 2
	case code == 7:
		if id, n := parseIdentity(b, true); n > 0 {
			return SatelliteID{id}, n
		}
	case code == 9 && len(b) >= 2 && b[0] < 2:
		return SatelliteTransfer{Op: b[0], Block: b[1]}, 2
	case code == 9 && len(b) >= 2 && b[0] == 2:
		return SatelliteTransfer{Op: 2, Block: b[1], Data: b[2:]}, len(b)
	case code == 0x0A:
		return SatelliteTransfer{Op: SingleBlock, Data: b}, len(b)
	case code == 0xFF:
		return DiagnosticsResponse{Data: b}, len(b)
	}
	return nil, 0
}

// AppendAnswer implements AnswerMessage.
func (m SatelliteRequest) AppendAnswer(dst []byte, _ Dialect) []byte {
	return put16(put16(append(dst, 1), m.Item), m.Price)
}

// AppendAnswer implements AnswerMessage.
func (SatelliteDone) AppendAnswer(dst []byte, _ Dialect) []byte { return append(dst, 2) }

// AppendAnswer implements AnswerMessage.
func (m SatelliteState) AppendAnswer(dst []byte, _ Dialect) []byte {
	code := byte(8)
	if m.Failed {
		code = 3
	}
	return put16(put16(append(dst, code), m.Item), m.Flags)
}

// AppendAnswer implements AnswerMessage.
func (m SatelliteConfig) AppendAnswer(dst []byte, _ Dialect) []byte {
	return append(put16(put16(append(dst, 4, m.Level), m.MaxPrice), m.Items), m.MaxResponse)
}

// AppendAnswer implements AnswerMessage.
func (m SatellitePriceRequest) AppendAnswer(dst []byte, _ Dialect) []byte {
	return put16(append(dst, 5), m.Item)
}

// AppendAnswer implements AnswerMessage.
func (m SatelliteError) AppendAnswer(dst []byte, _ Dialect) []byte {
	return put16(append(dst, 6), m.Flags)
}

// AppendAnswer implements AnswerMessage.
func (m SatelliteID) AppendAnswer(dst []byte, _ Dialect) []byte {
	return m.append(append(dst, 7), true)
}

// AppendAnswer implements AnswerMessage.
func (m SatelliteTransfer) AppendAnswer(dst []byte, _ Dialect) []byte {
	if m.Op == SingleBlock {
		return append(append(dst, 0x0A), m.Data...)
	}
	return append(append(dst, 9, m.Op, m.Block), m.Data...)
}
