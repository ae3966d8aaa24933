package sales

import (
	"testing"

	"github.com/chekomat/chekomat/mdb"
)

func (b *bus) lever() *bus {
	return b.poll(mdb.Changer, mdb.ChangerEvent{Kind: mdb.CoinStatus, Type: mdb.CoinEscrowRequest})
}

func (b *bus) dispense(typ, n uint8) *bus {
	return b.ask(mdb.Changer, mdb.Dispense{Type: typ, Number: n}).poll(mdb.Changer)
}

// The return lever makes the payout after it a return: what the changer could
// not give back stays credit and is no sale (16.5).
func TestLeverGivesBackAPart(t *testing.T) {
	back := func() *bus { return newBus().setup(0).coin(3).coin(2).lever().disable().dispense(3, 1) }
	expect(t, back().enable(), Config{})
	expect(t, newBus().setup(0).coin(3).coin(2).lever().dispense(3, 1), Config{})
	// The rest is the same customer's: with another coin it buys.
	expect(t, back().enable().wait(15_000).coin(3).disable().enable(), Config{}, "sale C ledger 15.00")
	expect(t, back().enable().wait(1000).disable().wait(3000).enable(), Config{}, "sale C ledger 5.00")
	expect(t, newBus().setup(0).coin(3).coin(2).lever().dispense(3, 1).wait(1000).disable().wait(3000).enable(), Config{}, "sale C ledger 5.00")
	// All of it back, by two payouts.
	expect(t, newBus().setup(0).coin(3).coin(2).lever().disable().dispense(3, 1).dispense(2, 1).enable(), Config{})
	// By the recycler's lever, in notes.
	b := newBus().setup(0).bill(1).bill(2).poll(mdb.Validator, mdb.BillEvent{Kind: mdb.RecyclerStatus, Type: mdb.RecyclerEscrow}).disable()
	b.ask(mdb.Validator, mdb.DispenseBill{Type: 2, Number: 1}).ask(mdb.Validator, mdb.ValidatorExpansion{Sub: mdb.ValidatorPayoutPoll}).enable()
	expect(t, b, Config{})
}

// After a purchase the lever only fetches the change, and one nobody heeds
// makes no return of the change of a later purchase.
func TestLeverAfterAPurchaseIsNoReturn(t *testing.T) {
	b := newBus().setup(0).bill(1).disable().wait(3000).enable().lever().dispense(3, 1)
	expect(t, b, Config{}, "sale C ledger 40.00")
	b = newBus().setup(0).bill(1).lever().wait(6000).disable().wait(3000).dispense(3, 1).enable()
	expect(t, b, Config{}, "sale C ledger 40.00")
}

func (b *bus) hoppers() *bus {
	for _, d := range []mdb.Device{mdb.Hopper1, mdb.Hopper2} {
		b.ask(d, mdb.Reset{}).data(d, mdb.SetupRequest{}, mdb.HopperSetup{Level: 1, Currency: 0x1643, Scale: 100, Decimals: 2, Credits: [16]uint8{1, 5, 10}, N: 3})
	}
	return b
}

func out(typ uint8, n uint16, ok bool) mdb.HopperEvent {
	return mdb.HopperEvent{Dispensed: true, Type: typ, Number: n, OK: ok, Left: 9}
}

// Change may come from a hopper: it counts like the changer's (16.5).
func TestHopperGivesChange(t *testing.T) {
	begin := func() *bus { return newBus().setup(0).hoppers().bill(1).disable() }
	coins := mdb.DispenseCoins{Type: 2, Number: 1}
	busy := mdb.HopperEvent{Type: hopperBusy}
	for name, c := range map[string]struct {
		b    *bus
		want []string
	}{
		"coins":         {begin().ask(mdb.Hopper1, coins).poll(mdb.Hopper1, out(2, 1, true)).enable(), []string{"sale C ledger 40.00"}},
		"second hopper": {begin().ask(mdb.Hopper2, coins).poll(mdb.Hopper2, out(2, 1, true)).enable(), []string{"sale C ledger 40.00"}},
		"value of two types": {
			begin().ask(mdb.Hopper1, mdb.DispenseValue{Value: 15}).poll(mdb.Hopper1, out(2, 1, true), out(1, 1, true)).enable(), []string{"sale C ledger 35.00"},
		},
		"after the enable, slowly": {
			begin().enable().wait(3000).ask(mdb.Hopper1, coins).wait(9000).poll(mdb.Hopper1, busy).wait(9000).poll(mdb.Hopper1, out(2, 1, true)),
			[]string{"sale C ledger 40.00"},
		},
		"repeated without ACK": {begin().say(mdb.Hopper1, coins).ask(mdb.Hopper1, coins).poll(mdb.Hopper1, out(2, 1, true)).enable(), []string{"sale C ledger 40.00"}},
		"aborted": {
			begin().ask(mdb.Hopper1, mdb.DispenseCoins{Type: 2, Number: 2}).poll(mdb.Hopper1, out(2, 1, false)).enable(),
			[]string{"incident payout_short 10.00", "sale C ledger 30.00"},
		},
		"manual is service":    {begin().poll(mdb.Hopper1, mdb.HopperEvent{Dispensed: true, Manual: true, OK: true, Type: 2, Number: 1}).enable(), []string{"sale C ledger 50.00"}},
		"falls silent":         {begin().ask(mdb.Hopper1, coins).enable(), []string{"sale C ledger 40.00"}},
		"everything back":      {begin().ask(mdb.Hopper1, mdb.DispenseCoins{Type: 2, Number: 5}).poll(mdb.Hopper1, out(2, 5, true)).enable(), nil},
		"without any credit":   {newBus().setup(0).hoppers().ask(mdb.Hopper1, coins).poll(mdb.Hopper1, out(2, 1, true)), []string{"incident payout_without_credit 10.00"}},
		"scale was not heard":  {newBus().setup(0).bill(1).disable().ask(mdb.Hopper1, coins).poll(mdb.Hopper1, out(2, 1, true)).enable(), []string{"incident cash_unknown_scale"}},
		"report not yet taken": {begin().ask(mdb.Hopper1, coins).unaccepted(mdb.Hopper1, mdb.Poll{}, out(2, 1, true)).poll(mdb.Hopper1, out(2, 1, true)).enable(), []string{"sale C ledger 40.00"}},
	} {
		t.Run(name, func(t *testing.T) { expect(t, c.b, Config{}, c.want...) })
	}
}

// A block may hold a text for the display and the approval behind it: the
// VMC's display says where the text ends.
func TestApprovalBehindADisplayText(t *testing.T) {
	b := newBus().ask(c1, mdb.Reset{}).poll(c1, mdb.JustReset{})
	b.data(c1, mdb.SetupConfig{Level: 3, Columns: 8, Rows: 1}, mdb.ReaderConfig{Level: 2, Currency: 0x1643, Scale: 1, Decimals: 2})
	b.request(c1, 4500, 12).poll(c1, mdb.DisplayRequest{Time: 50, Text: "OPLACHEN"}, mdb.VendApproved{Amount: 4000}).success(c1, 12)
	expect(t, b, Config{}, "sale A vend_success 10 #12 40.00")
}
