package link

// Type implements Message.
func (Hello) Type() uint8       { return TypeHello }
func (Words) Type() uint8       { return TypeWords }
func (WordsAt) Type() uint8     { return TypeWordsAt }
func (Resumed) Type() uint8     { return TypeResumed }
func (Now) Type() uint8         { return TypeNow }
func (Heartbeat) Type() uint8   { return TypeHeartbeat }
func (Event) Type() uint8       { return TypeEvent }
func (Result) Type() uint8      { return TypeResult }
func (TxReport) Type() uint8    { return TypeTxReport }
func (Log) Type() uint8         { return TypeLog }
func (Pong) Type() uint8        { return TypePong }
func (HelloReq) Type() uint8    { return TypeHelloReq }
func (SetMode) Type() uint8     { return TypeSetMode }
func (SetOutputs) Type() uint8  { return TypeSetOutputs }
func (SafeOutputs) Type() uint8 { return TypeSafe }
func (Ping) Type() uint8        { return TypePing }
func (ReplySet) Type() uint8    { return TypeReplySet }
func (ReplyClear) Type() uint8  { return TypeReplyClear }
func (PollQueue) Type() uint8   { return TypePollQueue }
func (LineConfig) Type() uint8  { return TypeLineConfig }
func (Resume) Type() uint8      { return TypeResume }
func (Keep) Type() uint8        { return TypeKeep }
func (Reboot) Type() uint8      { return TypeReboot }
func (FwBegin) Type() uint8     { return TypeFwBegin }
func (FwData) Type() uint8      { return TypeFwData }
func (FwCommit) Type() uint8    { return TypeFwCommit }
func (FwAbort) Type() uint8     { return TypeFwAbort }

// AppendBody implements Message.
func (m Hello) AppendBody(dst []byte) []byte {
	dst = append(dst, m.Major, m.Minor, m.Hardware, m.Revision, m.FwMajor, m.FwMinor, m.Patch, m.BootReason)
	dst = append(le32(dst, m.Capabilities), m.ID[:]...)
	dst = append(le32(le32(dst, m.Uptime), m.Time), m.Mode, m.Outputs, m.Lines, m.MaxFrame)
	if m.Minor >= 1 {
		dst = le64(le64(le64(dst, m.Boot), m.Oldest), m.Next)
	}
	return dst
}

func appendEntries(dst []byte, es []Entry) []byte {
	for _, e := range es {
		dst = le16(le16(dst, e.DT), e.W)
	}
	return dst
}

// AppendBody implements Message.
func (m Words) AppendBody(dst []byte) []byte { return appendEntries(le32(dst, m.T0), m.Entries) }

// AppendBody implements Message.
func (m WordsAt) AppendBody(dst []byte) []byte {
	return appendEntries(le64(le64(dst, m.Seq), m.T0), m.Entries)
}

// AppendBody implements Message.
func (m Resumed) AppendBody(dst []byte) []byte {
	return append(le64(le64(le64(dst, m.Boot), m.First), m.Lost), m.Reason)
}

// AppendBody implements Message.
func (m Now) AppendBody(dst []byte) []byte { return le64(le64(dst, m.Time), m.Next) }

// AppendBody implements Message.
func (m Heartbeat) AppendBody(dst []byte) []byte {
	dst = le32(le32(dst, m.Time), m.Uptime)
	for _, l := range m.Lines {
		dst = le16(le16(le16(le32(dst, l.Words), l.Framing), l.Breaks), l.Overruns)
	}
	dst = le16(le16(le16(dst, m.RecordsDropped), m.FramesDropped), m.HostCRCErrors)
	return le16(append(dst, m.Mode, m.Outputs), m.Supply)
}

// AppendBody implements Message.
func (m Event) AppendBody(dst []byte) []byte {
	return le16(append(le32(dst, m.Time), m.Code, m.Line), m.Arg)
}

// AppendBody implements Message.
func (m Result) AppendBody(dst []byte) []byte { return append(dst, m.Command, m.Seq, m.Status) }

// AppendBody implements Message.
func (m TxReport) AppendBody(dst []byte) []byte {
	return append(le32(append(dst, m.Tag, m.Result), m.Time), m.Tries)
}

// AppendBody implements Message.
func (m Log) AppendBody(dst []byte) []byte { return append(append(dst, m.Level), m.Text...) }

// AppendBody implements Message.
func (m Pong) AppendBody(dst []byte) []byte { return le32(le32(dst, m.Cookie), m.Time) }

// AppendBody implements Message.
func (m HelloReq) AppendBody(dst []byte) []byte { return append(dst, m.Major, m.Minor) }

// AppendBody implements Message.
func (m SetMode) AppendBody(dst []byte) []byte {
	return append(append(dst, m.Mode), m.Addresses...)
}

// AppendBody implements Message.
func (m SetOutputs) AppendBody(dst []byte) []byte { return append(dst, m.Mask, m.Value) }

// AppendBody implements Message.
func (m SafeOutputs) AppendBody(dst []byte) []byte { return le16(append(dst, m.Value), m.After) }

// AppendBody implements Message.
func (m Ping) AppendBody(dst []byte) []byte { return le32(dst, m.Cookie) }

// AppendBody implements Message.
func (m ReplySet) AppendBody(dst []byte) []byte {
	dst = append(append(dst, byte(len(m.Key))), m.Key...)
	return append(append(dst, byte(len(m.Reply))), m.Reply...)
}

// AppendBody implements Message.
func (m ReplyClear) AppendBody(dst []byte) []byte {
	if m.Address == 0 {
		return dst
	}
	return append(dst, m.Address)
}

// AppendBody implements Message.
func (m PollQueue) AppendBody(dst []byte) []byte {
	dst = append(append(dst, m.Tag, byte(len(m.Data))), m.Data...)
	if m.Address != 0 {
		dst = append(dst, m.Address)
	}
	return dst
}

// AppendBody implements Message.
func (m LineConfig) AppendBody(dst []byte) []byte {
	return le32(append(dst, m.Line, m.Flags), m.Baud)
}

// AppendBody implements Message.
func (m Resume) AppendBody(dst []byte) []byte { return le64(le64(dst, m.Boot), m.Next) }

// AppendBody implements Message.
func (m Keep) AppendBody(dst []byte) []byte { return le64(le64(dst, m.Boot), m.Next) }

// AppendBody implements Message.
func (m Reboot) AppendBody(dst []byte) []byte { return append(dst, m.How) }

// AppendBody implements Message.
func (m FwBegin) AppendBody(dst []byte) []byte {
	return append(le32(le32(dst, m.Size), m.CRC), m.Version[:]...)
}

// AppendBody implements Message.
func (m FwData) AppendBody(dst []byte) []byte { return append(le32(dst, m.Offset), m.Data...) }

// AppendBody implements Message.
func (FwCommit) AppendBody(dst []byte) []byte { return dst }

// AppendBody implements Message.
func (FwAbort) AppendBody(dst []byte) []byte { return dst }
