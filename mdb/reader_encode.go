package mdb

// AppendAnswer implements AnswerMessage.
func (JustReset) AppendAnswer(dst []byte, _ Dialect) []byte { return append(dst, 0) }

// AppendAnswer implements AnswerMessage.
func (m ReaderConfig) AppendAnswer(dst []byte, _ Dialect) []byte {
	return append(put16(append(dst, 1, m.Level), m.Currency), m.Scale, m.Decimals, m.MaxResponse, m.Options)
}

// AppendAnswer implements AnswerMessage. The text is sent as it is, at most 32 bytes.
func (m DisplayRequest) AppendAnswer(dst []byte, _ Dialect) []byte {
	return append(append(dst, 2, m.Time), m.Text[:min(len(m.Text), 32)]...)
}

// AppendAnswer implements AnswerMessage.
func (m BeginSession) AppendAnswer(dst []byte, dl Dialect) []byte {
	dst = putMoney(append(dst, 3), m.Funds, dl)
	if !dl.EC && (dl.Level < 2 || m.Short) {
		return dst
	}
	dst = put16(append(put32(dst, m.Media), m.PaymentType), m.PaymentData)
	if dl.EC {
		dst = append(put16(append(dst, m.Language[:]...), m.Currency), m.CardOptions)
	}
	return dst
}

// AppendAnswer implements AnswerMessage.
func (SessionCancelRequest) AppendAnswer(dst []byte, _ Dialect) []byte { return append(dst, 4) }

// AppendAnswer implements AnswerMessage.
func (m VendApproved) AppendAnswer(dst []byte, dl Dialect) []byte {
	if m.Token {
		m.Amount = 0xFFFFFFFF
	}
	return putMoney(append(dst, 5), m.Amount, dl)
}

// AppendAnswer implements AnswerMessage.
func (VendDenied) AppendAnswer(dst []byte, _ Dialect) []byte { return append(dst, 6) }

// AppendAnswer implements AnswerMessage.
func (EndSession) AppendAnswer(dst []byte, _ Dialect) []byte { return append(dst, 7) }

// AppendAnswer implements AnswerMessage.
func (Cancelled) AppendAnswer(dst []byte, _ Dialect) []byte { return append(dst, 8) }

// AppendAnswer implements AnswerMessage.
func (m PeripheralID) AppendAnswer(dst []byte, _ Dialect) []byte {
	return m.append(append(dst, 9), m.HasOptions)
}

// AppendAnswer implements AnswerMessage.
func (m Malfunction) AppendAnswer(dst []byte, _ Dialect) []byte { return append(dst, 0x0A, m.Code) }

// AppendAnswer implements AnswerMessage.
func (m OutOfSequence) AppendAnswer(dst []byte, _ Dialect) []byte {
	if m.Bare {
		return append(dst, 0x0B)
	}
	return append(dst, 0x0B, m.State)
}

// AppendAnswer implements AnswerMessage.
func (RevalueApproved) AppendAnswer(dst []byte, _ Dialect) []byte { return append(dst, 0x0D) }

// AppendAnswer implements AnswerMessage.
func (RevalueDenied) AppendAnswer(dst []byte, _ Dialect) []byte { return append(dst, 0x0E) }

// AppendAnswer implements AnswerMessage.
func (m RevalueLimit) AppendAnswer(dst []byte, dl Dialect) []byte {
	return putMoney(append(dst, 0x0F), m.Amount, dl)
}

// AppendAnswer implements AnswerMessage.
func (m UserFileData) AppendAnswer(dst []byte, _ Dialect) []byte {
	return append(append(dst, 0x10, m.Number, byte(len(m.Data))), m.Data...)
}

// AppendAnswer implements AnswerMessage.
func (TimeRequest) AppendAnswer(dst []byte, _ Dialect) []byte { return append(dst, 0x11) }

// AppendAnswer implements AnswerMessage.
func (m DataEntryRequest) AppendAnswer(dst []byte, _ Dialect) []byte {
	v := m.Length & 0x7F
	if m.Repeat {
		v |= 0x80
	}
	return append(dst, 0x12, v)
}

// AppendAnswer implements AnswerMessage.
func (DataEntryCancel) AppendAnswer(dst []byte, _ Dialect) []byte { return append(dst, 0x13) }

// AppendAnswer implements AnswerMessage.
func (m SelectionRequest) AppendAnswer(dst []byte, dl Dialect) []byte {
	dst = putMoney(append(dst, 0x14), m.Funds, dl)
	dst = put16(put16(append(put32(dst, m.Media), m.PaymentType), m.PaymentData), m.Item)
	return append(dst, m.Tail...)
}
