package mdb

// Transfer is a message of the file transport layer, mdb 2.6: VMC sub-codes FA
// to FE, peripheral codes 1B to 1F of the same order.
type Transfer struct {
	Op      TransferOp
	Dest    byte
	Source  byte   // not in SendBlock
	File    byte   // RequestReceive, RequestSend
	Length  byte   // RequestReceive, RequestSend: blocks
	Control byte   // RequestReceive, RequestSend
	Retry   byte   // RetryDeny: seconds, 0 never
	Block   byte   // SendBlock
	Data    []byte // SendBlock, 0 to 31 bytes; none ends a short file
}

// TransferOp is the kind of a Transfer.
type TransferOp uint8

// File transport messages in the order of their codes.
const (
	RequestReceive TransferOp = iota
	RetryDeny
	SendBlock
	OKToSend
	RequestSend
)

func parseTransfer(op byte, p []byte) (Transfer, bool) {
	m := Transfer{Op: TransferOp(op)}
	switch m.Op {
	case RequestReceive, RequestSend:
		if len(p) < 5 {
			return m, false
		}
		m.Dest, m.Source, m.File, m.Length, m.Control = p[0], p[1], p[2], p[3], p[4]
	case RetryDeny:
		if len(p) < 3 {
			return m, false
		}
		m.Dest, m.Source, m.Retry = p[0], p[1], p[2]
	case SendBlock:
		if len(p) < 2 {
			return m, false
		}
		m.Dest, m.Block, m.Data = p[0], p[1], p[2:]
	case OKToSend:
		if len(p) < 2 {
			return m, false
		}
		m.Dest, m.Source = p[0], p[1]
	default:
		return m, false
	}
	return m, true
}

func (m Transfer) body(dst []byte) []byte {
	dst = append(dst, m.Dest)
	switch m.Op {
	case RequestReceive, RequestSend:
		return append(dst, m.Source, m.File, m.Length, m.Control)
	case RetryDeny:
		return append(dst, m.Source, m.Retry)
	case SendBlock:
		return append(append(dst, m.Block), m.Data...)
	}
	return append(dst, m.Source)
}

// AppendCommand implements CommandMessage.
func (m Transfer) AppendCommand(dst []byte, to Device, _ Dialect) []byte {
	return m.body(append(dst, byte(to)|cmdExpansion, 0xFA+byte(m.Op)))
}

// AppendAnswer implements AnswerMessage.
func (m Transfer) AppendAnswer(dst []byte, _ Dialect) []byte {
	return m.body(append(dst, 0x1B+byte(m.Op)))
}
