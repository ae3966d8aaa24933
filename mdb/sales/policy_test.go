package sales

import (
	"testing"

	"github.com/chekomat/chekomat/mdb"
)

const (
	c1 = mdb.Cashless1
	c2 = mdb.Cashless2
)

// The numbered tests are the rows of the reference, 16.10. Row 22 needs the
// machine's plan and row 23 a wall clock: TestPolicy22PriceOtherThanThePlan
// (hub/store) and TestPolicy23EventsAreDatedByOurClock (agent/listen).

func TestPolicy01SuccessRepeatedOrUnacked(t *testing.T) {
	b := newBus().setup(0).request(c1, 4500, 12).approve(c1, 4500)
	for range 10 {
		b.say(c1, mdb.VendSuccess{Item: 12}).wait(200)
	}
	expect(t, b, Config{}, "sale A vend_success 10 #12 45.00")
}

func TestPolicy02SuccessWithoutRequest(t *testing.T) {
	expect(t, newBus().setup(0).success(c1, 12), Config{}, "incident vend_success_without_request")
}

func TestPolicy03ApprovedThenSessionComplete(t *testing.T) {
	b := newBus().setup(0).request(c1, 4500, 12).approve(c1, 4500).ask(c1, mdb.SessionComplete{}).poll(c1, mdb.EndSession{})
	expect(t, b, Config{}, "incident vend_outcome_unknown 45.00")
}

func TestPolicy04ResetAfterApproved(t *testing.T) {
	b := newBus().setup(0).request(c1, 4500, 12).approve(c1, 4500).ask(c1, mdb.Reset{}).ask(c1, mdb.Reset{})
	expect(t, b, Config{}, "sale B reset_inferred 10 #12 45.00")
	b = newBus().setup(0).request(c2, 4500, 12).approve(c2, 4500).brk()
	expect(t, b, Config{}, "sale B reset_inferred 60 #12 45.00")
	b = newBus().setup(0).request(c1, 4500, 12).ask(c1, mdb.Reset{})
	expect(t, b, Config{})
}

func TestPolicy05ApprovedAboveRequested(t *testing.T) {
	b := newBus().setup(0).request(c1, 4500, 12).approve(c1, 5000).success(c1, 12)
	es := b.run(Config{})
	if got := brief(es); got != "sale A vend_success 10 #12 50.00" {
		t.Fatal(got)
	}
	for _, e := range es {
		if e.Kind == KindSale && (e.Requested.Raw != 4500 || e.Detail == "") {
			t.Errorf("%+v", e)
		}
	}
}

func TestPolicy06Token(t *testing.T) {
	b := newBus().setup(0).request(c1, 4500, 12).poll(c1, mdb.VendApproved{Token: true}).success(c1, 12)
	expect(t, b, Config{}, "incident token_vend 45.00")
}

func TestPolicy07FreeVend(t *testing.T) {
	b := newBus().setup(mdb.ReaderCashSale).request(c1, 0, 12).approve(c1, 0).success(c1, 12)
	b.ask(c1, mdb.CashSale{Item: 5}).ask(c1, mdb.CashSale{Price: 100, Item: 9 | mdb.FreeVend}).ask(c1, mdb.CashSale{Price: 100, Item: 9 | mdb.TestVend})
	b.ask(c1, mdb.CashSale{Price: 100, Item: 9 | mdb.TokenVend}).ask(c1, mdb.CashSale{Price: 100, Item: 9 | mdb.NegativeVend})
	expect(t, b, Config{}, "free A vend_success 10 #12 0.00", "free A cash_sale 10 #5 0.00", "free A cash_sale 10 #9 0.00", "incident test_vend 1.00",
		"incident token_vend 1.00", "return A cash_sale 10 #9 1.00")
}

// A vend that costs nothing has the amount 0 whatever the scale is, with the
// listed price beside it; nobody has to look at it.
func TestFreeIsNothingInEveryScale(t *testing.T) {
	unheard := newBus().ask(c1, mdb.CashSale{Price: 100, Item: 9 | mdb.FreeVend}).run(Config{})
	for _, e := range unheard {
		if e.Kind != KindFree {
			continue
		}
		minor, ok := e.Amount.Minor()
		if !ok || minor != 0 || e.Requested.Raw != 100 || len(e.Parts) != 0 || e.Class == ClassA {
			t.Errorf("%+v", e)
		}
		return
	}
	t.Errorf("no free vend: %v", unheard)
}

func TestPolicy08SameCoinTwice(t *testing.T) {
	coin := mdb.ChangerEvent{Kind: mdb.CoinDeposited, Type: 3, Route: mdb.RouteCashBox}
	for name, c := range map[string]struct {
		b    *bus
		want string
	}{
		"not accepted": {newBus().setup(0).unaccepted(mdb.Changer, mdb.Poll{}, coin).data(mdb.Changer, mdb.Poll{}, coin), "10.00"},
		"NAK":          {newBus().setup(0).unaccepted(mdb.Changer, mdb.Poll{}, coin).reply(0xFF).data(mdb.Changer, mdb.Poll{}, coin), "10.00"},
		"two coins":    {newBus().setup(0).poll(mdb.Changer, coin).poll(mdb.Changer, coin), "20.00"},
	} {
		t.Run(name, func(t *testing.T) {
			expect(t, c.b.disable().enable(), Config{}, "sale C ledger "+c.want)
		})
	}
	// ACKed and reported again within 20 ms.
	b := newBus().setup(0).poll(mdb.Changer, coin)
	b.t -= 45_000
	b.poll(mdb.Changer, coin).disable().enable()
	expect(t, b, Config{}, "sale C ledger 10.00")
	// The tap missed the VMC's ACK: the next answer is another one.
	b = newBus().setup(0).unaccepted(mdb.Changer, mdb.Poll{}, coin).poll(mdb.Changer).disable().enable()
	expect(t, b, Config{}, "sale C ledger 10.00")
}

func TestPolicy09EscrowIsNoMoney(t *testing.T) {
	b := newBus().setup(0).poll(mdb.Validator, mdb.BillEvent{Kind: mdb.Bill, Type: 1, Route: mdb.BillInEscrow}).disable().enable()
	expect(t, b, Config{})
}

func TestPolicy10EveryStackedCounts(t *testing.T) {
	ev := func(route uint8) mdb.BillEvent { return mdb.BillEvent{Kind: mdb.Bill, Type: 1, Route: route} }
	b := newBus().setup(0).poll(mdb.Validator, ev(mdb.BillInEscrow)).poll(mdb.Validator, ev(mdb.BillReturned))
	b.poll(mdb.Validator, ev(mdb.BillInEscrow)).poll(mdb.Validator, mdb.BillEvent{Kind: mdb.BillStatus, Type: 0x33}, ev(mdb.BillStacked))
	expect(t, b.disable().enable(), Config{}, "sale C ledger 50.00")
}

func TestPolicy11DispenseRepeated(t *testing.T) {
	b := newBus().setup(0).bill(1).disable().say(mdb.Changer, mdb.Dispense{Type: 3, Number: 1}).ask(mdb.Changer, mdb.Dispense{Type: 3, Number: 1})
	b.poll(mdb.Changer).enable()
	expect(t, b, Config{}, "sale C ledger 40.00")
	// TUBE STATUS shows that both were executed.
	tubes := func(n uint8) mdb.TubeStatus { return mdb.TubeStatus{Counts: [16]uint8{9, 9, 9, n}, N: 16} }
	b = newBus().setup(0).data(mdb.Changer, mdb.TubeStatusRequest{}, tubes(20)).bill(1).disable()
	b.say(mdb.Changer, mdb.Dispense{Type: 3, Number: 1}).ask(mdb.Changer, mdb.Dispense{Type: 3, Number: 1}).poll(mdb.Changer)
	b.data(mdb.Changer, mdb.TubeStatusRequest{}, tubes(18)).enable()
	expect(t, b, Config{}, "sale C ledger 30.00")
}

func TestPolicy12PayoutEndsUnnoticed(t *testing.T) {
	busy := mdb.ChangerEvent{Kind: mdb.CoinStatus, Type: mdb.CoinPayoutBusy}
	b := newBus().setup(0).bill(1).disable().enable().ask(mdb.Changer, mdb.Dispense{Type: 3, Number: 1})
	for range 5 {
		b.poll(mdb.Changer, busy)
	}
	// The changer falls silent.
	expect(t, b, Config{}, "sale C ledger 40.00")
}

func TestPolicy13ServiceFilling(t *testing.T) {
	b := newBus().setup(0)
	for _, d := range []mdb.Device{c1, c2} {
		b.ask(d, mdb.ReaderControl{Action: mdb.ReaderDisable})
	}
	b.ask(mdb.Validator, mdb.BillType{}).coin(3).ask(mdb.Changer, mdb.CoinType{}).ask(mdb.Changer, mdb.CoinType{Accept: 0xF})
	expect(t, b, Config{}, "incident service_cash 10.00")
}

func TestPolicy14TwoSources(t *testing.T) {
	// CASH SALE and the ledger tell of one sale.
	b := newBus().setup(mdb.ReaderCashSale).bill(1).disable().ask(c1, mdb.CashSale{Price: 4000, Item: 7})
	b.ask(mdb.Changer, mdb.Dispense{Type: 3, Number: 1}).poll(mdb.Changer).enable()
	expect(t, b, Config{}, "sale A cash_sale 10 #7 40.00")
	// Both readers want CASH SALE.
	b = newBus().setup(mdb.ReaderCashSale).ask(c1, mdb.CashSale{Price: 4000, Item: 7}).ask(c2, mdb.CashSale{Price: 4000, Item: 7})
	expect(t, b, Config{}, "sale A cash_sale 10 #7 40.00")
	// The ledger was first.
	b = newBus().setup(mdb.ReaderCashSale).coin(3).disable().enable().wait(12_000).ask(c1, mdb.CashSale{Price: 1000, Item: 7})
	expect(t, b, Config{}, "sale C ledger 10.00", "incident late_cash_sale 10.00")
}

func TestPolicy15StartInsideATransaction(t *testing.T) {
	b := newBus().setup(0)
	b.ws = nil // listening begins here
	known := []Setup{
		{Device: mdb.Changer, Scale: 100, Decimals: 2, Credits: [16]uint8{1, 2, 5, 10}},
		{Device: mdb.Validator, Scale: 1000, Decimals: 2, Credits: [16]uint8{1, 5, 10}},
	}
	b.coin(3).disable().enable().wait(15_000).coin(3).disable().enable()
	expect(t, b, Config{Setups: known}, "incident cash_start_unknown 10.00", "sale C ledger 10.00")
}

func TestPolicy16ResetInsideATransaction(t *testing.T) {
	b := newBus().setup(0).coin(3).poll(mdb.Changer, mdb.ChangerEvent{Kind: mdb.CoinStatus, Type: mdb.CoinJustReset}).coin(3).disable().enable()
	expect(t, b, Config{}, "sale C ledger 20.00")
	b = newBus().setup(0).request(c1, 4500, 12).approve(c1, 4500).poll(c1, mdb.JustReset{}).success(c1, 12)
	expect(t, b, Config{}, "sale B vend_success 10 #12 45.00")
	b = newBus().setup(0).request(c1, 4500, 12).approve(c1, 4500).poll(c1, mdb.JustReset{})
	expect(t, b, Config{}, "incident vend_outcome_unknown 45.00")
}

func TestPolicy17PowerLoss(t *testing.T) {
	b := newBus().setup(0).request(c1, 4500, 12).approve(c1, 4500)
	r := New(Config{})
	for _, w := range b.ws {
		r.Word(w)
	}
	again := New(Config{})
	if err := again.Restore(r.Checkpoint()); err != nil {
		t.Fatal(err)
	}
	b.ws = nil
	b.wait(60_000).ask(c1, mdb.Reset{})
	var es []Event
	for _, w := range b.ws {
		es = append(es, again.Word(w)...)
	}
	if got := brief(es); got != "sale B reset_inferred 10 #12 45.00" {
		t.Error(got)
	}
}

func TestPolicy18ItemNumbersStayRaw(t *testing.T) {
	b := newBus().setup(0).vend(c1, 4500, 0x2400).wait(20_000).vend(c1, 4500, 1).wait(20_000)
	b.request(c1, 100, mdb.ItemUnknown).approve(c1, 100).success(c1, 3).wait(20_000)
	b.request(c1, 100, 7).approve(c1, 100).success(c1, 6).wait(20_000)
	b.request(c1, 100, mdb.ItemUnknown).approve(c1, 100).success(c1, mdb.ItemUnknown)
	expect(t, b, Config{}, "sale A vend_success 10 #9216 45.00", "sale A vend_success 10 #1 45.00", "sale A vend_success 10 #3 1.00",
		"sale A vend_success 10 #7 1.00", "sale A vend_success 10 1.00")
}

func TestPolicy19OwnScales(t *testing.T) {
	// Changer 1643 scale 100, validator 1810 scale 1000.
	expect(t, newBus().setup(0).coin(0).bill(2).disable().enable(), Config{}, "sale C ledger 101.00")
}

func TestPolicy20UnknownScale(t *testing.T) {
	b := newBus().vend(c1, 4500, 12)
	expect(t, b, Config{}, "sale B vend_success 10 #12 raw 4500")
	expect(t, b, Config{Scale: 1, Decimals: 2, Currency: 0x1643}, "sale B vend_success 10 #12 45.00")
	b = newBus().enable().wait(11_000).poll(mdb.Changer).wait(11_000).coin(3).disable().enable()
	expect(t, b, Config{StartsIdle: true}, "incident cash_unknown_scale")
	// A set-up that says nonsense is no set-up.
	b = newBus().setup(0).data(c1, mdb.SetupConfig{Level: 3}, mdb.ReaderConfig{Level: 2, Currency: 0x1643, Scale: 1, Decimals: 200}).vend(c1, 4500, 12)
	expect(t, b, Config{}, "sale A vend_success 10 #12 raw 4500")
}

func TestPolicy21FailureAfterSuccess(t *testing.T) {
	b := newBus().setup(0).request(c1, 4500, 12).approve(c1, 4500).success(c1, 12).ask(c1, mdb.VendFailure{}).ask(c1, mdb.VendFailure{})
	es := b.run(Config{})
	if got := brief(es); got != "sale A vend_success 10 #12 45.00\nreversal A vend_failure 10 #12 45.00" {
		t.Fatal(got)
	}
	var sale, rev Event
	for _, e := range es {
		switch e.Kind {
		case KindSale:
			sale = e
		case KindReversal:
			rev = e
		}
	}
	if rev.Of != sale.T {
		t.Errorf("reversal of %d, sale at %d", rev.Of, sale.T)
	}
	// A repeated VEND FAILURE of the second vend is no reversal of the first.
	b = newBus().setup(0).request(c1, 4500, 12).approve(c1, 4500).success(c1, 12).request(c1, 100, 3).approve(c1, 100)
	b.say(c1, mdb.VendFailure{}).ask(c1, mdb.VendFailure{})
	expect(t, b, Config{}, "sale A vend_success 10 #12 45.00")
	// After the session nothing is reversed.
	expect(t, newBus().setup(0).vend(c1, 4500, 12).ask(c1, mdb.VendFailure{}), Config{}, "sale A vend_success 10 #12 45.00")
}
