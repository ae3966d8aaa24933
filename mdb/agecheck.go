package mdb

import "bytes"

// Age checks of readers and age verification devices: messages inside
// DIAGNOSTICS (mdb 11).
type (
	// SetAge is DRAVP: 00 off, 01 to 63H years, FF switched on later.
	SetAge struct{ Age uint8 }
	// AgeStatusRequest is DRAVS.
	AgeStatusRequest struct{}
	// SetAgeResponse answers DRAVP.
	SetAgeResponse struct{ Feature uint8 }
	// AgeStatus answers DRAVS; bit 4 of Feature1: the customer is old enough.
	AgeStatus struct{ Feature1, Feature2 uint8 }
)

// AgeOK reports whether the device lets the customer buy.
func (m AgeStatus) AgeOK() bool { return m.Feature1&0x10 != 0 }

func parseDiagnostics(d Device, b []byte) CommandMessage {
	if d.Cashless() || d == AgeCheck {
		if len(b) == 8 && b[0] == 5 && b[1] == 6 && bytes.Equal(b[3:], []byte("DRAVP")) {
			return SetAge{b[2]}
		}
		if len(b) == 8 && b[0] == 6 && b[1] == 6 && bytes.Equal(b[3:], []byte("DRAVS")) {
			return AgeStatusRequest{}
		}
	}
	return Diagnostics{Data: b}
}

func parseAgeResponse(b []byte) (AnswerMessage, bool) {
	if len(b) == 8 && b[0] == 5 && bytes.Equal(b[3:], []byte("DRAVP")) {
		return SetAgeResponse{b[2]}, true
	}
	if len(b) == 9 && b[0] == 6 && bytes.Equal(b[4:], []byte("DRAVS")) {
		return AgeStatus{b[2], b[3]}, true
	}
	return nil, false
}

// AppendCommand implements CommandMessage.
func (m SetAge) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	return append(append(dst, byte(to)|cmdExpansion, 0xFF, 5, 6, m.Age), "DRAVP"...)
}

// AppendCommand implements CommandMessage.
func (AgeStatusRequest) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	return append(append(dst, byte(to)|cmdExpansion, 0xFF, 6, 6, 0), "DRAVS"...)
}

// AppendAnswer implements AnswerMessage.
func (m SetAgeResponse) AppendAnswer(dst []byte, _ Dialect) []byte {
	return append(append(dst, 0xFF, 5, 6, m.Feature), "DRAVP"...)
}

// AppendAnswer implements AnswerMessage.
func (m AgeStatus) AppendAnswer(dst []byte, _ Dialect) []byte {
	return append(append(dst, 0xFF, 6, 7, m.Feature1, m.Feature2), "DRAVS"...)
}
