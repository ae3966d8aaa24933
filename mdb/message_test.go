package mdb

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
)

var (
	narrow = Dialect{Level: 2, VMCLevel: 2}
	wide   = Dialect{Level: 3, VMCLevel: 3, EC: true}
	who    = Identity{Manufacturer: "ABC", Serial: "000000000001", Model: "MODEL", Software: 0x0102}
	nobody = Identity{Manufacturer: "\x00\x00\x00", Serial: strings.Repeat("\x00", 12), Model: "G \x00"} // as Necta Kikko Max sends it, reference 17
	whoOpt = Identity{Manufacturer: "ABC", Serial: "000000000001", Model: "MODEL", Software: 0x0102, Options: 0x23, HasOptions: true}
)

var commands = []struct {
	to Device
	m  CommandMessage
	dl Dialect
}{
	{Changer, Reset{}, narrow}, {Changer, Poll{}, narrow}, {Validator, Poll{}, narrow}, {Cashless2, Poll{}, narrow}, {Hopper1, Poll{}, narrow},
	{Changer, SetupRequest{}, narrow}, {Changer, TubeStatusRequest{}, narrow}, {Changer, CoinType{0x0F, 0x0102}, narrow},
	{Changer, Dispense{3, 15}, narrow}, {Changer, IdentificationRequest{}, narrow}, {Changer, FeatureEnable{3}, narrow},
	{Changer, Payout{15}, narrow}, {Changer, ChangerExpansion{ChangerPayoutValuePoll}, narrow}, {Changer, Diagnostics{[]byte{1}}, narrow},
	{Validator, Security{7}, narrow}, {Validator, BillType{7, 1}, narrow}, {Validator, Escrow{Stack: true}, narrow}, {Validator, Escrow{Stack: true, Odd: 0xFF}, narrow}, {Validator, StackerRequest{}, narrow},
	{Validator, IdentificationRequest{WithOptions: true}, narrow}, {Validator, RecyclerEnable{1, [16]uint8{3}}, narrow},
	{Validator, DispenseBill{1, 300}, narrow}, {Validator, DispenseValue{15}, narrow}, {Validator, ValidatorExpansion{ValidatorPayoutPoll}, narrow},
	{Cashless1, SetupConfig{3, 16, 2, 1}, narrow}, {Cashless1, MaxMinPrices{Max: 500, Min: 20}, narrow},
	{Cashless2, MaxMinPrices{Max: 100000, Min: 20, Currency: 0x1643, EC: true}, wide},
	{Cashless1, VendRequest{5000, 12}, narrow}, {Cashless2, VendRequest{600000, 300}, wide}, {Cashless1, VendCancel{}, narrow},
	{Cashless1, VendSuccess{12}, narrow}, {Cashless1, VendFailure{}, narrow}, {Cashless1, SessionComplete{}, narrow},
	{Cashless1, CashSale{Price: 4500, Item: 12}, narrow}, {Cashless1, CashSale{4500, 12, 0x1643}, wide},
	{Cashless1, NegativeVendRequest{10, 99}, narrow}, {Cashless1, NegativeVendRequest{100000, 99}, wide},
	{Cashless1, ReaderControl{ReaderEnable}, narrow}, {Cashless1, DataEntryResponse{[8]byte{'1'}}, narrow},
	{Cashless1, RevalueRequest{10}, narrow}, {Cashless1, RevalueRequest{100000}, wide}, {Cashless1, RevalueLimitRequest{}, narrow},
	{Cashless1, RequestID{who}, narrow}, {Cashless1, RequestID{nobody}, narrow}, {Cashless1, ReadUserFile{2}, narrow}, {Cashless1, WriteUserFile{2, []byte{1, 2}}, narrow},
	{Cashless1, WriteTime{[10]byte{0x26, 0x11, 0x21}}, narrow}, {Cashless1, FeatureEnable{0x22}, narrow}, {Cashless1, SetAge{18}, narrow},
	{AgeCheck, AgeStatusRequest{}, narrow}, {AgeCheck, SetupConfig{Level: 1}, narrow},
	{Gateway, GatewaySetup{3, 1, 2}, narrow}, {Gateway, Report{Kind: 1, Item: 33, Price: 350, Bills: 1000, CashOut: 650}, narrow},
	{Gateway, ReportEvent{Code: "EA7", Duration: 255, Active: true, Terminal: "T1", HasTerminal: true}, narrow}, {Gateway, ReportAsset{Kind: 7, HasID: true, Identity: who}, narrow},
	{Gateway, ReportEvent{Code: "EGS\x00\x00\x00\x00\x00\x00\x00", HasTerminal: true}, narrow}, {Gateway, ReportAsset{Kind: 7, Number: "M-1"}, narrow}, {Gateway, ReportCurrency{0x1643, 1, 2}, narrow},
	{Gateway, ReportProduct{33, "33", "LATTE", true}, narrow}, {Gateway, GatewayControl{2}, narrow}, {Gateway, GatewayTimeRequest{}, narrow},
	{USD1, SatelliteSetup{1, 5, 2, 30}, narrow}, {USD2, SatelliteVend{2, 259}, narrow}, {USD3, SatelliteVend{Op: 1}, narrow}, {USD1, SatelliteFunds{100}, narrow},
	{USD1, SatellitePrice{1, 2, 3}, narrow}, {USD1, SatelliteControl{true}, narrow}, {USD1, SatelliteBlock{3, 1, []byte{9}}, narrow},
	{Hopper1, HopperStatusRequest{}, narrow}, {Hopper2, ManualDispenseEnable{4}, narrow}, {Hopper1, DispenseCoins{2, 3}, narrow},
	{Hopper1, DispenseValue{15}, narrow}, {Hopper1, HopperPayout{true}, narrow},
	{Changer, Transfer{Op: SendBlock, Dest: 8, Data: []byte{1, 2}}, narrow}, {Gateway, Transfer{Op: RequestSend, Dest: 0x18, File: 1, Length: 3}, narrow},
	{Device(0xE8), Unknown{0xEB, []byte{1, 2}}, narrow},
}

func TestCommandsRoundTrip(t *testing.T) {
	for _, c := range commands {
		b := EncodeCommand(c.to, c.m, c.dl)
		if len(b) > MaxBlock {
			t.Errorf("%T: %d bytes", c.m, len(b))
		}
		got, err := ParseCommand(b[:len(b)-1], c.dl)
		if err != nil || !reflect.DeepEqual(got, c.m) {
			t.Errorf("%+v came back as %+v, %v", c.m, got, err)
		}
		// The framer ends it at once or at the next word, whole.
		ws, end := AppendWords(nil, Master, 0, b, 0)
		ws = append(ws, Word{T: end + 300, V: 0x100, Line: Slave})
		if out, _ := frame(ws); len(out) != 2 || out[0][:5] != "M cmd" {
			t.Errorf("%+v is framed as %q", c.m, out)
		}
		for n := range len(b) - 1 {
			if m, err := ParseCommand(b[:n], c.dl); err != nil && !errors.Is(err, ErrShort) {
				t.Errorf("%T cut to %d: %v, %v", c.m, n, m, err)
			}
		}
	}
}

var answers = []struct {
	to, sub byte
	m       AnswerMessage
	dl      Dialect
}{
	{0x09, 0, ChangerSetup{Level: 3, Currency: 0x1643, Scale: 100, Decimals: 2, Routing: 3, Credits: [16]uint8{1, 2}, N: 2}, narrow},
	{0x0A, 0, TubeStatus{Full: 1, Counts: [16]uint8{9, 8, 7}, N: 3}, narrow},
	{0x0B, 0, ChangerEvent{Kind: CoinDeposited, Type: 3, Route: RouteTube, Left: 16}, narrow},
	{0x0B, 0, ChangerEvent{Kind: CoinsDispensedManually, Type: 1, Number: 5, Left: 65}, narrow},
	{0x0B, 0, ChangerEvent{Kind: Slugs, Type: 5}, narrow}, {0x0B, 0, ChangerEvent{Kind: CoinStatus, Type: 11}, narrow},
	{0x0F, 0, Identification{whoOpt}, narrow}, {0x0F, 3, CoinCounts{[16]uint8{0, 1}, 2}, narrow}, {0x0F, 4, PayoutValue{Value: 5}, narrow},
	{0x0F, 5, DiagnosticStatus{[][2]byte{{6, 0}}}, narrow}, {0x0F, 0xFF, DiagnosticsResponse{Data: []byte{7}, Bare: true}, narrow},
	{0x31, 0, ValidatorSetup{Level: 1, Currency: 0x1810, Scale: 1000, Decimals: 2, Stacker: 400, Security: 0xFFFF, Escrow: true, Credits: [16]uint8{1}, N: 1}, narrow},
	{0x33, 0, BillEvent{Kind: Bill, Type: 2, Route: BillRecycled}, narrow}, {0x33, 0, BillEvent{Kind: BillAttempts, Type: 3}, narrow},
	{0x33, 0, BillEvent{Kind: RecyclerStatus, Type: 0x2A}, narrow}, {0x33, 0, BillEvent{Kind: BillStatus, Type: 6}, narrow},
	{0x36, 0, Stacker{true, 400}, narrow}, {0x37, 0, Identification{who}, narrow}, {0x37, 2, Identification{whoOpt}, narrow},
	{0x37, 3, RecyclerSetup{6}, narrow}, {0x37, 5, BillCounts{true, 2, [16]uint16{0, 20}, 2}, narrow}, {0x37, 9, PayoutValue{5, true}, narrow},
	{0x12, 0, JustReset{}, narrow}, {0x12, 0, ReaderConfig{2, 0x1643, 1, 2, 5, 8}, narrow}, {0x12, 0, DisplayRequest{50, "READY"}, narrow},
	{0x12, 0, BeginSession{Funds: 800, Full: true, Media: 1, PaymentType: 3, PaymentData: 10}, narrow},
	{0x62, 0, BeginSession{Funds: 80000, Full: true, Media: 1, Wide: true, Language: [2]byte{'r', 'u'}, Currency: 0x1643, CardOptions: 6}, wide},
	{0x12, 0, BeginSession{Funds: 2300}, Dialect{Level: 1}}, {0x12, 0, SessionCancelRequest{}, narrow},
	{0x12, 0, VendApproved{Amount: 60}, narrow}, {0x12, 0, VendApproved{Amount: 0xFFFF, Token: true}, narrow}, {0x62, 0, VendApproved{Amount: 600000}, wide},
	{0x12, 0, VendDenied{}, narrow}, {0x12, 0, EndSession{}, narrow}, {0x12, 0, Cancelled{}, narrow}, {0x12, 0, PeripheralID{who}, narrow},
	{0x12, 0, PeripheralID{whoOpt}, wide}, {0x12, 0, Malfunction{0xC1}, narrow}, {0x12, 0, OutOfSequence{State: 4}, narrow}, {0x12, 0, OutOfSequence{Bare: true}, Dialect{Level: 1}}, {0x12, 0, OutOfSequence{Bare: true}, Dialect{}},
	{0x15, 0, RevalueApproved{}, narrow}, {0x15, 0, RevalueDenied{}, narrow}, {0x15, 1, RevalueLimit{900}, narrow}, {0x15, 1, RevalueLimit{90000}, wide},
	{0x12, 0, UserFileData{2, []byte{1, 2}}, narrow}, {0x12, 0, TimeRequest{}, narrow}, {0x12, 0, DataEntryRequest{true, 6}, narrow}, {0x12, 0, DataEntryCancel{}, narrow},
	{0x12, 0, SelectionRequest{Funds: 5000, Media: 1, Item: 17}, narrow}, {0x12, 0, AgeStatus{0x9F, 0x10}, narrow}, {0x6F, 0xFF, SetAgeResponse{0}, narrow},
	{0x1A, 0, GatewayConfig{3, 30}, narrow}, {0x1A, 0, GatewayNotice{2}, narrow}, {0x1A, 0, GatewayError{"EGC"}, narrow}, {0x1A, 0, GatewayID{whoOpt}, narrow},
	{0x1A, 0, SignalStrength{80}, narrow}, {0x42, 0, SatelliteRequest{770, 30}, narrow}, {0x42, 0, SatelliteDone{}, narrow}, {0x42, 0, SatelliteState{true, 518, 1}, narrow},
	{0x41, 0, SatelliteConfig{1, 400, 0x606, 5}, narrow}, {0x42, 0, SatellitePriceRequest{518}, narrow}, {0x42, 0, SatelliteError{2}, narrow}, {0x42, 0, SatelliteID{whoOpt}, narrow},
	{0x42, 0, SatelliteTransfer{2, 1, []byte{5}}, narrow}, {0x42, 0, SatelliteTransfer{Op: SingleBlock, Data: []byte{5}}, narrow},
	{0x59, 0, HopperSetup{1, 0x1643, 100, 2, 5, 0, 4, [16]uint8{0, 0, 5}, 3}, narrow}, {0x5B, 0, HopperEvent{true, 2, true, false, 3, 637}, narrow},
	{0x5B, 0, HopperEvent{Type: 0x0B}, narrow}, {0x1A, 0, Transfer{Op: OKToSend, Source: 0x18}, narrow}, {0xEB, 0, UnknownAnswer{[]byte{1}}, narrow},
}

func TestAnswersRoundTrip(t *testing.T) {
	for _, c := range answers {
		b := EncodeAnswer(c.dl, c.m)
		if len(b) > MaxBlock {
			t.Errorf("%T: %d bytes", c.m, len(b))
		}
		got, err := ParseAnswer(nil, c.to, c.sub, b[:len(b)-1], c.dl)
		if err != nil || len(got) != 1 || !reflect.DeepEqual(got[0], c.m) {
			t.Errorf("%+v came back as %+v, %v", c.m, got, err)
		}
	}
}

func TestMessagesOfOneBlock(t *testing.T) {
	got, err := ParseAnswer(nil, 0x12, 0, []byte{6, 0x0A, 7, 4}, narrow)
	if err != nil || !reflect.DeepEqual(got, []AnswerMessage{VendDenied{}, Malfunction{7}, SessionCancelRequest{}}) {
		t.Errorf("%+v, %v", got, err)
	}
	// A level 1 reader puts FF behind its funds: what was read before is kept.
	got, err = ParseAnswer(nil, 0x12, 0, []byte{3, 0x4E, 0x20, 0xFF}, Dialect{Level: 1})
	if !errors.Is(err, ErrUnknown) || !reflect.DeepEqual(got, []AnswerMessage{BeginSession{Funds: 20000}}) {
		t.Errorf("%+v, %v", got, err)
	}
}

func FuzzMessages(f *testing.F) {
	for _, c := range commands {
		b := EncodeCommand(c.to, c.m, c.dl)
		f.Add(b[0], byte(0), b[1:], byte(2))
	}
	for _, c := range answers {
		f.Add(c.to, c.sub, EncodeAnswer(c.dl, c.m), byte(2))
	}
	f.Fuzz(func(t *testing.T, to, sub byte, b []byte, level byte) {
		dl := Dialect{Level: level & 3, VMCLevel: level >> 2 & 3, EC: level&0x10 != 0}
		if m, err := ParseCommand(append([]byte{to}, b...), dl); err == nil {
			// What is written again reads the same.
			w := m.AppendCommand(nil, DeviceOf(to), dl)
			again, err := ParseCommand(w, dl)
			if err != nil {
				t.Fatalf("%+v from % X is written as % X: %v", m, b, w, err)
			}
			if !bytes.Equal(again.AppendCommand(nil, DeviceOf(to), dl), w) {
				t.Fatalf("%+v and %+v", m, again)
			}
		}
		ms, _ := ParseAnswer(nil, to, sub, b, dl)
		for _, m := range ms {
			m.AppendAnswer(nil, dl)
		}
	})
}
