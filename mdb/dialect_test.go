package mdb

import "testing"

func hear(t *Dialects, to Device, m CommandMessage, as ...AnswerMessage) (guessed bool) {
	b := Block{Kind: Command}
	b.N = uint8(copy(b.Data[:], EncodeCommand(to, m, t.Of(to))))
	guessed = t.Command(&b)
	for _, a := range as {
		t.Answer(to, a)
	}
	return guessed
}

func TestDialectsFollowTheStartUp(t *testing.T) {
	var d Dialects
	if d.Of(Cashless1) != (Dialect{}) || d.Of(Changer) != (Dialect{}) {
		t.Fatal("something is known before anything was heard")
	}
	hear(&d, Cashless1, SetupConfig{Level: 0x83, Columns: 16, Rows: 2}, ReaderConfig{Level: 2, Scale: 1})
	if got := d.Of(Cashless1); got != (Dialect{Level: 2, VMCLevel: 3, Screen: 32}) {
		t.Errorf("%+v", got)
	}
	hear(&d, Cashless1, FeatureEnable{Options: Option32Bit})
	if !d.Of(Cashless1).EC || d.Of(Cashless2).EC {
		t.Error("expanded currency mode is on at the reader alone that was told so")
	}
	for name, end := range map[string]func(){
		"RESET":      func() { hear(&d, Cashless1, Reset{}) },
		"JUST RESET": func() { d.Answer(Cashless1, JustReset{}) },
		"break":      d.Reset,
		"option off": func() { hear(&d, Cashless1, FeatureEnable{Options: OptionAlwaysIdle}) },
	} {
		hear(&d, Cashless1, FeatureEnable{Options: OptionMultiCurrency})
		end()
		if d.Of(Cashless1).EC {
			t.Error("expanded currency mode outlived", name)
		}
	}
}

// Where the start-up was not heard the length of a VEND command tells.
func TestDialectsGuessExpandedCurrency(t *testing.T) {
	for _, m := range []CommandMessage{VendRequest{600000, 300}, CashSale{4500, 12, 0x1643}, NegativeVendRequest{1000, 9}} {
		var d Dialects
		b := Block{Kind: Command}
		b.N = uint8(copy(b.Data[:], EncodeCommand(Cashless2, m, Dialect{EC: true})))
		if !d.Command(&b) || !d.Of(Cashless2).EC || d.Command(&b) {
			t.Errorf("%T", m)
		}
	}
	var d Dialects
	if hear(&d, Cashless2, VendRequest{6000, 300}) || d.Of(Cashless2).EC {
		t.Error("a 16-bit request was taken for a 32-bit one")
	}
}

// The VMC's display says where a DISPLAY REQUEST ends (mdb 7.4.3): what follows
// it in the block is not lost.
func TestDisplayRequestEndsWithTheDisplay(t *testing.T) {
	p := append(append([]byte{2, 50}, "GOTOVO  "...), 5, 0, 60)
	ms, err := ParseAnswer(nil, 0x12, 0, p, Dialect{Screen: 8})
	if err != nil || len(ms) != 2 || ms[0] != (DisplayRequest{50, "GOTOVO  "}) || ms[1] != (VendApproved{Amount: 60}) {
		t.Errorf("%+v, %v", ms, err)
	}
	if got := (SetupConfig{Columns: 255, Rows: 255}).Screen(); got != 32 {
		t.Error(got)
	}
}
