package link

// Parse reads the body of a frame. Byte slices and strings are copies. Bodies
// longer than a type demands are accepted where a later minor version may have
// added fields (HELLO, HEARTBEAT).
func Parse(f Frame) (Message, error) {
	b := f.Body
	short := LengthError{f.Type, len(b)}
	if need, ok := sizes[f.Type]; !ok {
		return nil, UnknownTypeError(f.Type)
	} else if len(b) < need.least || need.exact && len(b) != need.least {
		return nil, short
	}
	switch f.Type {
	case TypeHello:
		return parseHello(b, short)
	case TypeWords, TypeWordsAt:
		return parseWords(f.Type, b, short)
	case TypeResumed:
		return Resumed{le.Uint64(b), le.Uint64(b[8:]), le.Uint64(b[16:]), b[24]}, nil
	case TypeNow:
		return Now{le.Uint64(b), le.Uint64(b[8:])}, nil
	case TypeHeartbeat:
		return parseHeartbeat(b), nil
	case TypeEvent:
		return Event{le.Uint32(b), b[4], b[5], le.Uint16(b[6:])}, nil
	case TypeResult:
		return Result{b[0], b[1], b[2]}, nil
	case TypeTxReport:
		return TxReport{b[0], b[1], le.Uint32(b[2:]), b[6]}, nil
	case TypeLog:
		return Log{b[0], string(b[1:])}, nil
	case TypePong:
		return Pong{le.Uint32(b), le.Uint32(b[4:])}, nil
	}
	return parseHost(f.Type, b, short)
}

// sizes gives the least length of each body, and whether it is the only one.
var sizes = map[uint8]struct {
	least int
	exact bool
}{
	TypeHello: {32, false}, TypeWords: {8, false}, TypeHeartbeat: {58, false}, TypeEvent: {8, true},
	TypeResult: {3, true}, TypeTxReport: {7, true}, TypeLog: {1, false}, TypePong: {8, true},
	TypeWordsAt: {20, false}, TypeResumed: {25, true}, TypeNow: {16, true},
	TypeHelloReq: {2, true}, TypeSetMode: {2, false}, TypeSetOutputs: {2, true}, TypePing: {4, true},
	TypeReplySet: {2, false}, TypeReplyClear: {0, false}, TypePollQueue: {2, false}, TypeLineConfig: {6, true},
	TypeSafe: {3, true}, TypeResume: {16, true}, TypeKeep: {16, true}, TypeReboot: {1, true}, TypeFwBegin: {11, true},
	TypeFwData: {4, false}, TypeFwCommit: {0, true}, TypeFwAbort: {0, true},
}

func parseHello(b []byte, short error) (Message, error) {
	m := Hello{
		Major: b[0], Minor: b[1], Hardware: b[2], Revision: b[3], FwMajor: b[4], FwMinor: b[5], Patch: b[6],
		BootReason: b[7], Capabilities: le.Uint32(b[8:]), ID: [8]byte(b[12:]), Uptime: le.Uint32(b[20:]),
		Time: le.Uint32(b[24:]), Mode: b[28], Outputs: b[29], Lines: b[30], MaxFrame: b[31],
	}
	if m.Minor >= 1 {
		if len(b) < 56 {
			return nil, short
		}
		m.Boot, m.Oldest, m.Next = le.Uint64(b[32:]), le.Uint64(b[40:]), le.Uint64(b[48:])
	}
	return m, nil
}

func parseWords(typ uint8, b []byte, short error) (Message, error) {
	head := 4
	if typ == TypeWordsAt {
		head = 16
	}
	body := b[head:]
	if len(body)%4 != 0 {
		return nil, short
	}
	es := make([]Entry, len(body)/4)
	for i := range es {
		es[i] = Entry{le.Uint16(body[4*i:]), le.Uint16(body[4*i+2:])}
	}
	if typ == TypeWords {
		return Words{T0: le.Uint32(b), Entries: es}, nil
	}
	return WordsAt{Seq: le.Uint64(b), T0: le.Uint64(b[8:]), Entries: es}, nil
}

func parseHeartbeat(b []byte) Heartbeat {
	m := Heartbeat{Time: le.Uint32(b), Uptime: le.Uint32(b[4:])}
	for i := range m.Lines {
		l := b[8+10*i:]
		m.Lines[i] = LineCount{le.Uint32(l), le.Uint16(l[4:]), le.Uint16(l[6:]), le.Uint16(l[8:])}
	}
	m.RecordsDropped, m.FramesDropped, m.HostCRCErrors = le.Uint16(b[48:]), le.Uint16(b[50:]), le.Uint16(b[52:])
	m.Mode, m.Outputs, m.Supply = b[54], b[55], le.Uint16(b[56:])
	return m
}

func parseHost(typ uint8, b []byte, short error) (Message, error) {
	switch typ {
	case TypeHelloReq:
		return HelloReq{b[0], b[1]}, nil
	case TypeSetMode:
		if len(b) > 1+MaxAddresses {
			return nil, short
		}
		return SetMode{b[0], clone(b[1:])}, nil
	case TypeSetOutputs:
		return SetOutputs{b[0], b[1]}, nil
	case TypeSafe:
		return SafeOutputs{b[0], le.Uint16(b[1:])}, nil
	case TypePing:
		return Ping{le.Uint32(b)}, nil
	case TypeReplySet:
		k := int(b[0])
		if len(b) < k+2 || len(b) != k+2+int(b[k+1]) {
			return nil, short
		}
		return ReplySet{clone(b[1 : 1+k]), clone(b[k+2:])}, nil
	case TypeReplyClear:
		if len(b) > 1 || len(b) == 1 && b[0] == 0 {
			return nil, short
		}
		if len(b) == 1 {
			return ReplyClear{b[0]}, nil
		}
		return ReplyClear{}, nil
	case TypePollQueue:
		m, end := PollQueue{Tag: b[0]}, 2+int(b[1])
		switch {
		case len(b) == end+1 && b[end] != 0:
			m.Address = b[end]
		case len(b) != end:
			return nil, short
		}
		m.Data = clone(b[2:end])
		return m, nil
	case TypeLineConfig:
		return LineConfig{b[0], b[1], le.Uint32(b[2:])}, nil
	case TypeResume:
		return Resume{le.Uint64(b), le.Uint64(b[8:])}, nil
	case TypeKeep:
		return Keep{le.Uint64(b), le.Uint64(b[8:])}, nil
	case TypeReboot:
		return Reboot{b[0]}, nil
	case TypeFwBegin:
		return FwBegin{le.Uint32(b), le.Uint32(b[4:]), [3]byte(b[8:])}, nil
	case TypeFwData:
		return FwData{le.Uint32(b), clone(b[4:])}, nil
	case TypeFwCommit:
		return FwCommit{}, nil
	case TypeFwAbort:
		return FwAbort{}, nil
	}
	return nil, UnknownTypeError(typ)
}

func clone(b []byte) []byte { return append([]byte{}, b...) }
