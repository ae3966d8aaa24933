package exe

import "fmt"

// AppendText appends what a pair says, for people: "CREDIT: line or price 8".
// shown is the display a DATA SYNC completed, nil otherwise.
func AppendText(dst []byte, p Pair, shown *Display) []byte {
	switch {
	case p.Fault == Orphan:
		return fmt.Appendf(dst, "answer %02X to nothing", p.Answer)
	case p.Damaged:
		dst = fmt.Appendf(dst, "damaged byte %02X", p.Master)
	default:
		dst = appendMaster(dst, p.Master)
	}
	switch p.Fault {
	case NoReply:
		return append(dst, ": no answer"...)
	case ParityMaster:
		return fmt.Appendf(dst, ": answer %02X", p.Answer)
	case ParitySlave:
		return fmt.Appendf(dst, ": damaged answer %02X", p.Answer)
	case NotHeard:
		return append(dst, ": not understood (PNAK)"...)
	case OtherDevice:
		return fmt.Appendf(dst, ": answer %02X", p.Answer)
	case Good, Orphan:
	}
	dst = appendAnswer(dst, p)
	if shown != nil {
		dst = fmt.Appendf(dst, "; shows %d × %d / 10^%d", shown.Units, shown.Scale, shown.Decimals)
		if shown.ExactChange {
			dst = append(dst, ", exact change only"...)
		}
	}
	return dst
}

func appendMaster(dst []byte, b byte) []byte {
	if d := DeviceOf(b); d != VMC {
		dst = fmt.Appendf(dst, "to %s ", d)
	}
	if c, command := CommandOf(b); !command {
		dst = fmt.Appendf(dst, "data %X", Nibble(b))
	} else if c.Known() {
		dst = append(dst, c.String()...)
	} else {
		dst = fmt.Appendf(dst, "unknown command %X", uint8(c))
	}
	return dst
}

func appendAnswer(dst []byte, p Pair) []byte {
	c, command := p.Command()
	switch {
	case !command, c == AcceptData, c == DataSync:
		if p.Answer != ACK {
			dst = fmt.Appendf(dst, ": answer %02X", p.Answer)
		}
		return dst
	case c == Status:
		return append(dst, stateText(ParseState(p.Answer))...)
	case c == Credit:
		switch RequestOf(p.Answer) {
		case Wanted:
			return fmt.Appendf(dst, ": line or price %d", p.Answer)
		case NothingWanted:
			return append(dst, ": nothing wanted"...)
		case Undefined, NotUnderstood:
		}
	case c == Vend:
		switch ResultOf(p.Answer) {
		case Delivered:
			return append(dst, ": delivered"...)
		case Odd:
			return fmt.Appendf(dst, ": odd answer %02X", p.Answer)
		case Failed:
			return fmt.Appendf(dst, ": failed (%02X)", p.Answer)
		case Refused:
		}
	}
	return fmt.Appendf(dst, ": answer %02X", p.Answer)
}

func stateText(s State) string {
	switch {
	case s.Inhibited:
		return ": inhibited"
	case s.FreeVend:
		return ": ready, vends free"
	}
	return ": ready"
}
