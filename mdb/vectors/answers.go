package vectors

import (
	"fmt"
	"strings"

	"github.com/chekomat/chekomat/mdb"
)

var coinStatus = map[uint8]string{
	1: "escrow request", 2: "payout busy", 3: "no credit", 4: "defective tube sensor", 5: "double arrival",
	6: "acceptor unplugged", 7: "tube jam", 8: "ROM checksum error", 9: "coin routing error", 10: "changer busy",
	11: "changer was reset", 12: "coin jam", 13: "possible credited coin removal",
}

var billStatus = map[uint8]string{
	1: "defective motor", 2: "sensor problem", 3: "validator busy", 4: "ROM checksum error", 5: "validator jammed",
	6: "validator was reset", 7: "bill removed", 8: "cash box out of position", 9: "validator disabled",
	10: "invalid escrow request", 11: "bill rejected", 12: "possible credited bill removal",
}

var recyclerStatus = map[uint8]string{
	0x21: "escrow request", 0x22: "dispenser payout busy", 0x23: "dispenser busy", 0x24: "defective dispenser sensor",
	0x26: "dispenser did not start / motor problem", 0x27: "dispenser jam", 0x28: "ROM checksum error",
	0x29: "dispenser disabled", 0x2A: "bill waiting", 0x2F: "filled key pressed",
}

var billRoutes = [...]string{
	"stacked", "escrow", "returned", "to recycler", "disabled bill rejected", "to recycler, manual fill", "manual dispense", "recycler to cashbox",
}

// status names a status byte; one nobody defined (reference 17) by its code.
func status(key string, names map[uint8]string, code uint8) map[string]any {
	if s := names[code]; s != "" {
		return map[string]any{key: s}
	}
	return map[string]any{"unknown_status": hex2(code)}
}

// event describes one event of a POLL answer; ok is false for other messages.
func event(m mdb.AnswerMessage, dev mdb.Device) (map[string]any, bool) {
	switch m := m.(type) {
	case mdb.ChangerEvent:
		switch m.Kind {
		case mdb.CoinDeposited:
			return map[string]any{"coin_deposited": map[string]any{
				"type": m.Type, "route": [...]string{"cashbox", "tube", "not used", "reject"}[m.Route&3], "tube_count": m.Left,
			}}, true
		case mdb.CoinsDispensedManually:
			return map[string]any{"coins_dispensed_manually": map[string]any{"type": m.Type, "number": m.Number, "tube_count": m.Left}}, true
		case mdb.Slugs:
			return map[string]any{"slugs": m.Type}, true
		}
		return status("status", coinStatus, m.Type), true
	case mdb.BillEvent:
		switch m.Kind {
		case mdb.Bill:
			return map[string]any{"bill": billRoutes[m.Route&7], "type": m.Type}, true
		case mdb.BillAttempts:
			return map[string]any{"attempts_while_disabled": m.Type}, true
		case mdb.RecyclerStatus:
			return status("recycler_status", recyclerStatus, m.Type), true
		}
		return status("status", billStatus, m.Type), true
	}
	return otherEvent(m)
}

// answer names a peripheral's message and its fields as the vectors do.
func answer(m mdb.AnswerMessage, b *mdb.Block) (string, []any) {
	dev := mdb.DeviceOf(b.To)
	switch m := m.(type) {
	case mdb.ChangerSetup:
		return "SETUP RESPONSE", []any{
			"level", m.Level, "currency", hex4(m.Currency), "scale", m.Scale, "decimals", m.Decimals,
			"routing", hex4(m.Routing), "credits", credits(m.Credits, m.N),
		}
	case mdb.TubeStatus:
		return "TUBE STATUS RESPONSE", []any{"full", hex4(m.Full), "counts", ints(m.Counts[:m.N])}
	case mdb.Identification:
		return "IDENTIFICATION", identity(m.Identity)
	case mdb.CoinCounts:
		return map[uint8]string{3: "PAYOUT STATUS", 6: "MANUAL FILL REPORT", 7: "MANUAL PAYOUT REPORT"}[b.Sub], []any{"counts", ints(m.Counts[:m.N])}
	case mdb.PayoutValue:
		return "PAYOUT VALUE", []any{"value", m.Value}
	case mdb.DiagnosticStatus:
		codes := []string{}
		for _, c := range m.Codes {
			codes = append(codes, strings.TrimSpace(fmt.Sprintf("%02X/%02X %s", c[0], c[1], mdb.DiagnosticText(c))))
		}
		return "DIAGNOSTIC STATUS", []any{"codes", codes}
	case mdb.ValidatorSetup:
		return "SETUP RESPONSE", []any{
			"level", m.Level, "currency", hex4(m.Currency), "scale", m.Scale, "decimals", m.Decimals, "stacker_capacity", m.Stacker,
			"security", hex4(m.Security), "escrow", m.Escrow, "credits", credits(m.Credits, m.N),
		}
	case mdb.Stacker:
		return "STACKER RESPONSE", []any{"full", m.Full, "count", m.Count}
	case mdb.RecyclerSetup:
		return "RECYCLER SETUP RESPONSE", []any{"routing", hex4(m.Routing)}
	case mdb.BillCounts:
		name := "PAYOUT STATUS RESPONSE"
		kv := []any{"counts", ints(m.Counts[:m.N])}
		if m.HasFull {
			name = "BILL DISPENSE STATUS RESPONSE"
			if dev != mdb.Validator {
				name = "DISPENSER STATUS RESPONSE"
			}
			kv = append(kv, "full", hex4(m.Full))
		}
		return name, kv
	case mdb.DiagnosticsResponse:
		return "DIAGNOSTICS RESPONSE", []any{"data", hexOf(m.Data)}
	case mdb.SetAgeResponse:
		return "DRAVP RESPONSE", []any{"feature", hex2(m.Feature)}
	case mdb.AgeStatus:
		return "DRAVS RESPONSE", []any{"feature1", hex2(m.Feature1), "feature2", hex2(m.Feature2), "age_ok", m.AgeOK()}
	case mdb.Transfer:
		return transfer(m)
	}
	if name, kv, ok := readerAnswer(m); ok {
		return name, kv
	}
	if name, kv, ok := gatewayAnswer(m); ok {
		return name, kv
	}
	if name, kv, ok := otherAnswer(m); ok {
		return name, kv
	}
	return "UNKNOWN", []any{"data", hexOf(b.Payload())}
}

func readerAnswer(m mdb.AnswerMessage) (string, []any, bool) {
	switch m := m.(type) {
	case mdb.JustReset:
		return "JUST RESET", nil, true
	case mdb.ReaderConfig:
		return "READER CONFIG", []any{
			"level", m.Level & 0x7F, "currency", hex4(m.Currency), "scale", m.Scale, "decimals", m.Decimals,
			"max_response_s", m.MaxResponse, "options", hex2(m.Options),
		}, true
	case mdb.DisplayRequest:
		return "DISPLAY REQUEST", []any{"time_s", fmt.Sprintf("%d.%d", m.Time/10, m.Time%10), "text", m.Text}, true
	case mdb.BeginSession:
		return "BEGIN SESSION", session(m), true
	case mdb.SessionCancelRequest:
		return "SESSION CANCEL REQUEST", nil, true
	case mdb.VendApproved:
		if m.Token {
			return "VEND APPROVED", []any{"amount", "electronic token"}, true
		}
		return "VEND APPROVED", []any{"amount", m.Amount}, true
	case mdb.VendDenied:
		return "VEND DENIED", nil, true
	case mdb.EndSession:
		return "END SESSION", nil, true
	case mdb.Cancelled:
		return "CANCELLED", nil, true
	case mdb.PeripheralID:
		return "PERIPHERAL ID", identity(m.Identity), true
	case mdb.Malfunction:
		kv := []any{"code", hex2(m.Code)}
		if s := mdb.MalfunctionText(m.Code); s != "" {
			kv = append(kv, "meaning", s)
		}
		return "MALFUNCTION/ERROR", kv, true
	case mdb.OutOfSequence:
		if m.Bare {
			return "COMMAND OUT OF SEQUENCE", nil, true
		}
		if m.State < 1 || m.State > 7 {
			return "COMMAND OUT OF SEQUENCE", []any{"state", hex2(m.State)}, true
		}
		return "COMMAND OUT OF SEQUENCE", []any{"state", [...]string{
			"", "inactive", "disabled", "enabled", "session idle", "vend", "revalue", "negative vend",
		}[m.State&7]}, true
	case mdb.RevalueApproved:
		return "REVALUE APPROVED", nil, true
	case mdb.RevalueDenied:
		return "REVALUE DENIED", nil, true
	case mdb.RevalueLimit:
		return "REVALUE LIMIT AMOUNT", []any{"amount", m.Amount}, true
	case mdb.UserFileData:
		return "USER FILE DATA", []any{"number", m.Number, "data", hexOf(m.Data)}, true
	case mdb.TimeRequest:
		return "TIME/DATE REQUEST", nil, true
	case mdb.DataEntryRequest:
		return "DATA ENTRY REQUEST", []any{"repeat", m.Repeat, "length", m.Length}, true
	case mdb.DataEntryCancel:
		return "DATA ENTRY CANCEL", nil, true
	case mdb.SelectionRequest:
		return "SELECTION REQUEST", []any{
			"funds", orUnknown(m.Funds, fullOf(m.Wide)), "media_id", medium(m.Media), "payment_type", m.PaymentType,
			"payment_data", hex4(m.PaymentData), "item", orUnknown(uint32(m.Item), 0xFFFF),
		}, true
	}
	return "", nil, false
}

func session(m mdb.BeginSession) []any {
	kv := []any{"funds", orUnknown(m.Funds, fullOf(m.Wide))}
	if !m.Full {
		return kv
	}
	kv = append(kv, "media_id", medium(m.Media), "payment_type", m.PaymentType, "payment_data", hex4(m.PaymentData))
	if m.Wide {
		kv = append(kv, "language", string(m.Language[:]), "currency", hex4(m.Currency), "card_options", hex2(m.CardOptions))
	}
	switch {
	case m.PaymentType&0x80 != 0:
		kv = append(kv, "meaning", "free vend card")
	case m.PaymentType&0x40 != 0:
		kv = append(kv, "meaning", "test media")
	case m.PaymentType&0x3F == 1:
		kv = append(kv, "meaning", "user group and price list")
	case m.PaymentType&0x3F == 2:
		kv = append(kv, "meaning", "user group and discount group")
	case m.PaymentType&0x3F == 3:
		kv = append(kv, "meaning", fmt.Sprintf("discount %d %%", m.PaymentData&0xFF))
	case m.PaymentType&0x3F == 4:
		kv = append(kv, "meaning", fmt.Sprintf("surcharge %d %%", m.PaymentData&0xFF))
	}
	return kv
}

// fullOf is money with all bits set, which stands for unknown.
func fullOf(wide bool) uint32 {
	if wide {
		return 0xFFFFFFFF
	}
	return 0xFFFF
}

func medium(id uint32) any {
	if id == 0xFFFFFFFF {
		return "unknown"
	}
	return hex8(id)
}

func gatewayAnswer(m mdb.AnswerMessage) (string, []any, bool) {
	switch m := m.(type) {
	case mdb.GatewayConfig:
		return "GATEWAY CONFIG", []any{"level", m.Level, "max_response_s", m.MaxResponse}, true
	case mdb.GatewayNotice:
		return map[uint8]string{2: "REQUEST TO TRANSMIT", 3: "DATA TRANSMITTED", 5: "DTS EVENT ACKNOWLEDGE"}[m.Code], nil, true
	case mdb.GatewayError:
		return "ERROR", []any{"code", mdb.Text(m.Code)}, true
	case mdb.GatewayID:
		return "PERIPHERAL ID", identity(m.Identity), true
	case mdb.SignalStrength:
		return "RADIO SIGNAL STRENGTH", []any{"percent", m.Percent}, true
	case mdb.GatewayTime:
		switch {
		case len(m.BCD) == 9: // the short form has no week
			kv := clock(append(append(append([]byte{}, m.BCD[:7]...), 0xFF), m.BCD[7:]...))
			return "GATEWAY TIME/DATE", append(kv[:6:6], kv[8:]...), true
		case len(m.BCD) < 10:
			return "GATEWAY TIME/DATE", []any{"data", hexOf(m.BCD)}, true
		}
		return "GATEWAY TIME/DATE", clock(m.BCD), true
	}
	return "", nil, false
}
