package vectors

import "github.com/chekomat/chekomat/mdb"

func otherCommand(m mdb.CommandMessage) (string, []any, bool) {
	switch m := m.(type) {
	case mdb.SatelliteSetup:
		return "SETUP", []any{"level", m.Level, "scale", m.Scale, "decimals", m.Decimals, "max_approve_s", m.MaxApprove}, true
	case mdb.SatelliteVend:
		name := [...]string{"VEND APPROVED", "VEND DISAPPROVED", "VEND ITEM", "HOME ITEM", "STATUS REQUEST"}[min(m.Op, 4)]
		if m.Op < 2 {
			return name, nil, true
		}
		return name, []any{"item", m.Item}, true
	case mdb.SatelliteFunds:
		return "FUNDS AVAILABLE", []any{"amount", m.Amount}, true
	case mdb.SatellitePrice:
		label := any(m.Label)
		if m.Label == 0xFFFF {
			label = "none"
		}
		return "ITEM PRICE", []any{"item", m.Item, "price", m.Price, "label", label}, true
	case mdb.SatelliteControl:
		if m.Enable {
			return "CONTROL", []any{"action", "enable"}, true
		}
		return "CONTROL", []any{"action", "disable"}, true
	case mdb.SatelliteBlock:
		switch m.Op {
		case 2:
			return "BLOCKS TO SEND", []any{"count", m.Block}, true
		case 3:
			return "BLOCK DATA", []any{"block", m.Block, "data", hexOf(m.Data)}, true
		case 4:
			return "REQUEST BLOCK", []any{"block", m.Block}, true
		}
		return "SINGLE BLOCK", []any{"data", hexOf(m.Data)}, true
	case mdb.HopperStatusRequest:
		return "DISPENSER STATUS", nil, true
	case mdb.ManualDispenseEnable:
		return "MANUAL DISPENSE ENABLE", []any{"types", hex4(m.Types)}, true
	case mdb.DispenseCoins:
		return "DISPENSE COINS", []any{"type", m.Type, "number", m.Number}, true
	case mdb.HopperPayout:
		if m.ValuePoll {
			return "PAYOUT VALUE POLL", nil, true
		}
		return "PAYOUT STATUS", nil, true
	}
	return "", nil, false
}

func maxPrice(v uint16) any {
	if v == 0xFFFF {
		return "none"
	}
	return v
}

func flagNames(flags uint16, names ...string) []string {
	out := []string{}
	for i, n := range names {
		if flags&(1<<i) != 0 {
			out = append(out, n)
		}
	}
	return out
}

func otherAnswer(m mdb.AnswerMessage) (string, []any, bool) {
	switch m := m.(type) {
	case mdb.SatelliteRequest:
		return "VEND REQUEST", []any{"item", m.Item, "price", orUnknown(uint32(m.Price), 0xFFFF)}, true
	case mdb.SatelliteDone:
		return "VEND/HOME SUCCESS", nil, true
	case mdb.SatelliteState:
		name := "SELECTION STATUS"
		if m.Failed {
			name = "VEND/HOME FAIL"
		}
		return name, []any{"item", m.Item, "errors", flagNames(m.Flags, "sold out", "jam", "missing motor", "invalid selection", "health safety")}, true
	case mdb.SatelliteConfig:
		return "USD CONFIG", []any{"level", m.Level, "max_price", maxPrice(m.MaxPrice), "item_config", hex4(m.Items), "max_response_s", m.MaxResponse}, true
	case mdb.SatellitePriceRequest:
		return "PRICE REQUEST", []any{"item", m.Item}, true
	case mdb.SatelliteError:
		return "ERROR", []any{"errors", flagNames(m.Flags, "health safety", "home or chute sensor failure", "keypad")}, true
	case mdb.SatelliteID:
		return "PERIPHERAL ID", identity(m.Identity), true
	case mdb.SatelliteTransfer:
		switch m.Op {
		case 0:
			return "BLOCK REQUEST", []any{"block", m.Block}, true
		case 1:
			return "BLOCKS TO SEND", []any{"count", m.Block}, true
		case 2:
			return "BLOCK DATA", []any{"block", m.Block, "data", hexOf(m.Data)}, true
		}
		return "SINGLE BLOCK", []any{"data", hexOf(m.Data)}, true
	case mdb.HopperSetup:
		return "SETUP RESPONSE", []any{
			"level", m.Level, "currency", hex4(m.Currency), "scale", m.Scale, "decimals", m.Decimals, "max_response_s", m.MaxResponse,
			"disabled", hex4(m.Disabled), "self_filling", hex4(m.SelfFilling), "credits", credits(m.Credits, m.N),
		}, true
	}
	return "", nil, false
}

var hopperStatus = map[uint8]string{
	1: "escrow request", 2: "dispenser payout busy", 4: "defective dispenser sensor", 6: "dispenser did not start / motor problem",
	7: "dispenser jam", 8: "ROM checksum error", 11: "just reset", 15: "filled key pressed",
}

func otherEvent(m mdb.AnswerMessage) (map[string]any, bool) {
	e, ok := m.(mdb.HopperEvent)
	if !ok {
		return nil, false
	}
	if !e.Dispensed {
		return status("status", hopperStatus, e.Type), true
	}
	return map[string]any{"coins_dispensed": map[string]any{
		"type": e.Type, "manual": e.Manual, "ok": e.OK, "number": e.Number, "left": e.Left,
	}}, true
}
