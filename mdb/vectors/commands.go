package vectors

import (
	"bytes"
	"fmt"

	"github.com/chekomat/chekomat/mdb"
)

// command names a VMC command and its fields as the vectors do.
func command(m mdb.CommandMessage, dev mdb.Device, p []byte) (string, []any) {
	switch m := m.(type) {
	case mdb.Reset:
		return "RESET", nil
	case mdb.Poll:
		return "POLL", nil
	case mdb.SetupRequest:
		return "SETUP", nil
	case mdb.TubeStatusRequest:
		return "TUBE STATUS", nil
	case mdb.CoinType:
		return "COIN TYPE", []any{"accept", hex4(m.Accept), "manual_dispense", hex4(m.ManualDispense)}
	case mdb.Dispense:
		return "DISPENSE", []any{"type", m.Type, "number", m.Number}
	case mdb.IdentificationRequest:
		if m.WithOptions {
			return "EXPANSION IDENTIFICATION WITH OPTIONS", nil
		}
		return "EXPANSION IDENTIFICATION", nil
	case mdb.FeatureEnable:
		if dev.Cashless() || dev == mdb.AgeCheck {
			return "EXPANSION ENABLE OPTIONS", []any{
				"options", hex8(m.Options),
				"expanded_currency", m.Options&(mdb.Option32Bit|mdb.OptionMultiCurrency) != 0,
				"always_idle", m.Options&mdb.OptionAlwaysIdle != 0,
			}
		}
		return "EXPANSION FEATURE ENABLE", []any{"options", hex8(m.Options)}
	case mdb.Payout:
		return "EXPANSION PAYOUT", []any{"value", m.Value}
	case mdb.ChangerExpansion:
		return "EXPANSION " + map[uint8]string{
			3: "PAYOUT STATUS", 4: "PAYOUT VALUE POLL", 5: "SEND DIAGNOSTIC STATUS", 6: "MANUAL FILL REPORT", 7: "MANUAL PAYOUT REPORT",
		}[m.Sub], nil
	case mdb.Security:
		return "SECURITY", []any{"types", hex4(m.Types)}
	case mdb.BillType:
		return "BILL TYPE", []any{"accept", hex4(m.Accept), "escrow", hex4(m.Escrow)}
	case mdb.Escrow:
		action := "return"
		if m.Stack {
			action = "stack"
		}
		return "ESCROW", []any{"action", action}
	case mdb.StackerRequest:
		return "STACKER", nil
	case mdb.RecyclerEnable:
		return "RECYCLER ENABLE", []any{"manual_dispense", hex4(m.ManualDispense), "modes", ints(m.Modes[:])}
	case mdb.DispenseBill:
		return "DISPENSE BILL", []any{"type", m.Type, "number", m.Number}
	case mdb.DispenseValue:
		return "DISPENSE VALUE", []any{"value", m.Value}
	case mdb.ValidatorExpansion:
		return map[uint8]string{
			3: "RECYCLER SETUP", 5: "BILL DISPENSE STATUS", 8: "PAYOUT STATUS", 9: "PAYOUT VALUE POLL", 10: "PAYOUT CANCEL",
		}[m.Sub], nil
	case mdb.Diagnostics:
		return "EXPANSION DIAGNOSTICS", []any{"data", hexOf(m.Data)}
	case mdb.SetAge:
		return "DRAVP", []any{"age", m.Age}
	case mdb.AgeStatusRequest:
		return "DRAVS", nil
	case mdb.Transfer:
		return transfer(m)
	}
	if name, fields, ok := readerCommand(m); ok {
		return name, fields
	}
	if name, fields, ok := gatewayCommand(m); ok {
		return name, fields
	}
	if name, fields, ok := otherCommand(m); ok {
		return name, fields
	}
	return "UNKNOWN", []any{"data", hexOf(p[1:])}
}

func readerCommand(m mdb.CommandMessage) (string, []any, bool) {
	item := func(v uint16) any { return orUnknown(uint32(v), 0xFFFF) }
	switch m := m.(type) {
	case mdb.SetupConfig:
		return "SETUP CONFIG", []any{"vmc_level", m.Level & 0x7F, "columns", m.Columns, "rows", m.Rows, "display", m.Display}, true
	case mdb.MaxMinPrices:
		kv := []any{"max", orUnknown(m.Max, fullOf(m.EC)), "min", orUnknown(m.Min, 0)}
		if m.EC {
			kv = append(kv, "currency", hex4(m.Currency))
		}
		return "SETUP MAX/MIN PRICES", kv, true
	case mdb.VendRequest:
		return "VEND REQUEST", []any{"price", m.Price, "item", item(m.Item)}, true
	case mdb.VendCancel:
		return "VEND CANCEL", nil, true
	case mdb.VendSuccess:
		return "VEND SUCCESS", []any{"item", item(m.Item)}, true
	case mdb.VendFailure:
		return "VEND FAILURE", nil, true
	case mdb.SessionComplete:
		return "SESSION COMPLETE", nil, true
	case mdb.CashSale:
		flags := []string{}
		for _, f := range []struct {
			bit  uint16
			name string
		}{{mdb.FreeVend, "free vend"}, {mdb.TestVend, "test vend"}, {mdb.NegativeVend, "negative vend"}, {mdb.TokenVend, "token vend"}} {
			if m.Item&f.bit != 0 {
				flags = append(flags, f.name)
			}
		}
		kv := []any{"price", m.Price, "item", m.Item &^ mdb.VendFlags, "flags", flags}
		if m.Currency != 0 {
			kv = append(kv, "currency", hex4(m.Currency))
		}
		return "CASH SALE", kv, true
	case mdb.NegativeVendRequest:
		return "NEGATIVE VEND REQUEST", []any{"value", m.Value, "item", item(m.Item)}, true
	case mdb.ReaderControl:
		return [...]string{"READER DISABLE", "READER ENABLE", "READER CANCEL"}[m.Action], nil, true
	case mdb.DataEntryResponse:
		if m.Keys == [8]byte{255, 255, 255, 255, 255, 255, 255, 255} {
			return "DATA ENTRY RESPONSE", []any{"keys", "cancelled"}, true
		}
		return "DATA ENTRY RESPONSE", []any{"keys", string(bytes.TrimRight(m.Keys[:], "\x00"))}, true
	case mdb.RevalueRequest:
		return "REVALUE REQUEST", []any{"amount", m.Amount}, true
	case mdb.RevalueLimitRequest:
		return "REVALUE LIMIT REQUEST", nil, true
	case mdb.RequestID:
		return "EXPANSION REQUEST ID", identity(m.Identity), true
	case mdb.ReadUserFile:
		return "EXPANSION READ USER FILE", []any{"number", m.Number}, true
	case mdb.WriteUserFile:
		return "EXPANSION WRITE USER FILE", []any{"number", m.Number, "data", hexOf(m.Data)}, true
	case mdb.WriteTime:
		return "EXPANSION WRITE TIME/DATE", clock(m.BCD[:]), true
	}
	return "", nil, false
}

// clock reads ten BCD bytes; FF is a field the sender does not support.
func clock(b []byte) []any {
	bcd := func(v byte) any {
		if v == 0xFF {
			return "unknown"
		}
		return int(v>>4)*10 + int(v&15)
	}
	return []any{
		"date", fmt.Sprintf("%02X-%02X-%02X", b[0], b[1], b[2]), "time", fmt.Sprintf("%02X:%02X:%02X", b[3], b[4], b[5]),
		"day_of_week", bcd(b[6]), "week", bcd(b[7]), "summertime", bcd(b[8]), "holiday", bcd(b[9]),
	}
}

func gatewayCommand(m mdb.CommandMessage) (string, []any, bool) {
	switch m := m.(type) {
	case mdb.GatewaySetup:
		return "SETUP", []any{"level", m.Level, "scale", m.Scale, "decimals", m.Decimals}, true
	case mdb.GatewayControl:
		if m.Action > 2 {
			return "CONTROL", []any{"action", hex2(m.Action)}, true
		}
		return "CONTROL", []any{"action", [...]string{"disabled", "enabled", "transmit"}[m.Action]}, true
	case mdb.GatewayTimeRequest:
		return "EXPANSION TIME/DATE REQUEST", nil, true
	case mdb.Report:
		return "REPORT TRANSACTION", []any{
			"type", m.Kind, "item", m.Item, "price", m.Price, "cash_in_tubes", m.Tubes, "cash_in_cashbox", m.CashBox,
			"cash_in_bills", m.Bills, "in_cashless1", m.Cashless1, "in_cashless2", m.Cashless2, "revalue1", m.Revalue1,
			"revalue2", m.Revalue2, "cash_out", m.CashOut, "discount", m.Discount, "surcharge", m.Surcharge,
			"user_group", m.UserGroup, "price_list", m.PriceList, "date", hexOf(m.Date[:]), "time", hexOf(m.Time[:]),
		}, true
	case mdb.ReportEvent:
		kv := []any{
			"code", mdb.Text(m.Code), "date", hexOf(m.Date[:]), "time", hexOf(m.Time[:]), "duration_min", m.Duration, "activity", boolInt(m.Active),
		}
		if m.HasTerminal {
			kv = append(kv, "terminal", mdb.Text(m.Terminal))
		}
		return "REPORT DTS EVENT", kv, true
	case mdb.ReportAsset:
		asset := hex2(m.Kind)
		if m.Kind > 0 && m.Kind < 8 {
			asset = [...]string{"", "audit", "bill validator", "changer", "control board", "cashless1", "cashless2", "machine"}[m.Kind]
		}
		if m.HasID {
			return "REPORT ASSET ID", append([]any{"asset", asset}, identity(m.Identity)...), true
		}
		return "REPORT ASSET NUMBER", []any{"asset", asset, "number", mdb.Text(m.Number)}, true
	case mdb.ReportCurrency:
		return "REPORT CURRENCY ID", []any{"currency", hex4(m.Currency), "scale", m.Scale, "decimals", m.Decimals}, true
	case mdb.ReportProduct:
		return "REPORT PRODUCT ID", []any{"item", m.Item, "number", mdb.Text(m.Number), "name", mdb.Text(m.Name), "present", m.Present}, true
	}
	return "", nil, false
}

func transfer(m mdb.Transfer) (string, []any) {
	kv := []any{"dest", hex2(m.Dest)}
	switch m.Op {
	case mdb.RequestReceive, mdb.RequestSend:
		kv = append(kv, "source", hex2(m.Source), "file_id", m.File, "length", m.Length, "control", hex2(m.Control))
	case mdb.RetryDeny:
		kv = append(kv, "source", hex2(m.Source), "retry", m.Retry)
	case mdb.SendBlock:
		kv = append(kv, "block", m.Block, "data", hexOf(m.Data))
	case mdb.OKToSend:
		kv = append(kv, "source", hex2(m.Source))
	}
	return "FTL " + [...]string{"REQ TO RCV", "RETRY/DENY", "SEND BLOCK", "OK TO SEND", "REQ TO SEND"}[m.Op], kv
}
