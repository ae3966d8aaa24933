package sales

import (
	"testing"

	"github.com/chekomat/chekomat/mdb"
)

func TestVends(t *testing.T) {
	for name, c := range map[string]struct {
		b    *bus
		cfg  Config
		want []string
	}{
		"plain":         {b: newBus().setup(0).vend(c1, 4500, 12), want: []string{"sale A vend_success 10 #12 45.00"}},
		"second reader": {b: newBus().setup(0).vend(c2, 4500, 12), want: []string{"sale A vend_success 60 #12 45.00"}},
		// 5000 is 1388H: the checksum of 13 00 fits after the first price byte.
		"price whose first byte looks like a checksum": {b: newBus().setup(0).vend(c1, 5000, 12), want: []string{"sale A vend_success 10 #12 50.00"}},
		"discount":           {b: newBus().setup(0).request(c1, 4500, 12).approve(c1, 4000).success(c1, 12), want: []string{"sale A vend_success 10 #12 40.00"}},
		"denied":             {b: newBus().setup(0).request(c1, 4500, 12).poll(c1, mdb.VendDenied{})},
		"failed":             {b: newBus().setup(0).request(c1, 4500, 12).approve(c1, 4500).ask(c1, mdb.VendFailure{})},
		"cancelled":          {b: newBus().setup(0).request(c1, 4500, 12).ask(c1, mdb.VendCancel{}).poll(c1, mdb.VendDenied{})},
		"approval not heard": {b: newBus().setup(0).request(c1, 4500, 12).success(c1, 12), want: []string{"sale B vend_success 10 #12 45.00"}},
		"deaf": {
			b: newBus().setup(0).vend(c1, 4500, 12).oneLine(), cfg: Config{Deaf: true},
			want: []string{"sale B vend_success 10 #12 raw 4500"},
		},
		"cap": {b: newBus().setup(0).vend(c1, 4500, 12), cfg: Config{Cap: ClassB}, want: []string{"sale B vend_success 10 #12 45.00"}},
		"two readers at once": {
			b:    newBus().setup(0).request(c1, 4500, 12).request(c2, 4500, 12).approve(c2, 4500).ask(c1, mdb.VendCancel{}).poll(c1, mdb.VendDenied{}).success(c2, 12),
			want: []string{"sale A vend_success 60 #12 45.00"},
		},
		"multivend with a lost success": {
			b:    newBus().setup(0).request(c1, 4500, 12).approve(c1, 4500).request(c1, 100, 3).approve(c1, 100).success(c1, 3),
			want: []string{"incident vend_outcome_unknown 45.00", "sale A vend_success 10 #3 1.00"},
		},
		"refund failed": {
			b:    newBus().setup(0).request(c1, 4500, 12).approve(c1, 4500).ask(c1, mdb.VendFailure{}).poll(c1, mdb.Malfunction{Code: 0xC1}).poll(c1, mdb.Malfunction{Code: 0xC1}),
			want: []string{"incident refund_failed 45.00"},
		},
		"lasting fault told once": {
			b:    newBus().setup(0).poll(c1, mdb.Malfunction{Code: 0x80}).poll(c1, mdb.Malfunction{Code: 0x80}).poll(c1).poll(c1, mdb.Malfunction{Code: 0x80}),
			want: []string{"incident reader_fault", "incident reader_fault"},
		},
		"negative vend": {
			b:    newBus().setup(0).ask(c1, mdb.NegativeVendRequest{Value: 1000, Item: 5}).approve(c1, 1000).success(c1, 5),
			want: []string{"return A vend_success 10 #5 10.00"},
		},
		"revalue takes the cash": {
			b:    newBus().setup(0).coin(3).ask(c1, mdb.RevalueRequest{Amount: 1000}).poll(c1, mdb.RevalueApproved{}).poll(c1, mdb.RevalueApproved{}).disable().enable(),
			want: []string{"topup A revalue 10 10.00"},
		},
		"vend never ends": {b: newBus().setup(0).request(c1, 4500, 12).approve(c1, 4500).wait(700_000).poll(c1), want: []string{"incident vend_outcome_unknown 45.00"}},
	} {
		t.Run(name, func(t *testing.T) { expect(t, c.b, c.cfg, c.want...) })
	}
}

func TestWideMoney(t *testing.T) {
	b := newBus().setup(0)
	b.ask(c1, mdb.FeatureEnable{Options: mdb.Option32Bit})
	b.ec = true
	b.request(c1, 6_000_000, 300).approve(c1, 6_000_000).success(c1, 300)
	b.ask(c1, mdb.CashSale{Price: 75000, Item: 2, Currency: 0x1643})
	expect(t, b, Config{}, "sale A vend_success 10 #300 60000.00", "sale A cash_sale 10 #2 750.00")
	// The mode was not heard: the exact length tells it.
	b = newBus()
	b.ec = true
	b.request(c1, 6_000_000, 300).approve(c1, 6_000_000).success(c1, 300)
	known := []Setup{{Device: c1, Level: 3, Scale: 1, Decimals: 2, Currency: 0x1643}}
	expect(t, b, Config{Setups: known}, "sale A vend_success 10 #300 60000.00")
}

func TestVendOfNoKnownFormIsNoSale(t *testing.T) {
	b := newBus().setup(0).ask(c1, mdb.FeatureEnable{Options: mdb.Option32Bit})
	b.t += 50_000
	b.put(mdb.Master, mdb.Seal([]byte{0x13, 0, 0, 9, 0x27, 1, 0x2C}))
	b.t += 300
	b.put(mdb.Slave, []byte{0})
	b.success(c1, 300)
	expect(t, b, Config{}, "incident vend_unreadable", "incident vend_success_without_request")
}

func TestCashSales(t *testing.T) {
	sale := mdb.CashSale{Price: 4500, Item: 12}
	one := "sale A cash_sale 10 #12 45.00"
	for name, c := range map[string]struct {
		b    *bus
		want []string
	}{
		"plain":                   {newBus().setup(8).ask(c1, sale), []string{one}},
		"repeated without ACK":    {newBus().setup(8).say(c1, sale).wait(200).say(c1, sale).wait(200).ask(c1, sale), []string{one}},
		"two equal coffees":       {newBus().setup(8).ask(c1, sale).wait(3000).ask(c1, sale), []string{one, one}},
		"again within a second":   {newBus().setup(8).ask(c1, sale).wait(500).ask(c1, sale), []string{one}},
		"unacked, long after":     {newBus().setup(8).say(c1, sale).wait(8000).ask(c1, sale), []string{one, one}},
		"scale of no reader here": {newBus().ask(c1, sale), []string{"sale B cash_sale 10 #12 raw 4500"}},
	} {
		t.Run(name, func(t *testing.T) { expect(t, c.b, Config{}, c.want...) })
	}
}

func TestMixedPayments(t *testing.T) {
	// Card part, then CASH SALE of the rest; a coin is in the machine.
	b := newBus().setup(8).bill(0).request(c1, 2000, 12).approve(c1, 2000).success(c1, 12).ask(c1, mdb.CashSale{Price: 1000, Item: 12})
	expect(t, b, Config{}, "sale A vend_success 10 #12 30.00 cash=10.00 reader1=20.00")
	// CASH SALE first, while the vend is in progress.
	b = newBus().setup(8).bill(0).request(c1, 2000, 12).approve(c1, 2000).ask(c2, mdb.CashSale{Price: 1000, Item: 12}).success(c1, 12)
	expect(t, b, Config{}, "sale A vend_success 10 #12 30.00 cash=10.00 reader1=20.00")
	// CASH SALE first and the vend fails after all.
	b = newBus().setup(8).bill(0).request(c1, 2000, 12).approve(c1, 2000).ask(c2, mdb.CashSale{Price: 1000, Item: 12}).ask(c1, mdb.VendFailure{})
	expect(t, b, Config{}, "sale A cash_sale 60 #12 10.00")
	// Nobody announces cash: the ledger closes the difference.
	b = newBus().setup(0).bill(0).disable().request(c1, 2000, 12).approve(c1, 2000).success(c1, 12).enable()
	expect(t, b, Config{}, "sale B vend_success 10 #12 30.00 cash=10.00 reader1=20.00")
	// The cash was given back: a plain card sale.
	b = newBus().setup(0).bill(0).disable().request(c1, 2000, 12).approve(c1, 2000).success(c1, 12)
	b.ask(mdb.Changer, mdb.Dispense{Type: 3, Number: 1}).poll(mdb.Changer).enable()
	expect(t, b, Config{}, "sale A vend_success 10 #12 20.00")
	// No cash in sight: the sale does not wait.
	r := New(Config{})
	var es []Event
	for _, w := range newBus().setup(8).poll(mdb.Changer).vend(c1, 2000, 12).ws {
		es = append(es, r.Word(w)...)
	}
	if got := brief(es); got != "sale A vend_success 10 #12 20.00" {
		t.Errorf("a card sale waits: %q", got)
	}
}

func TestActivity(t *testing.T) {
	var got []string
	for _, e := range newBus().setup(0).vend(c1, 4500, 12).run(Config{}) {
		if e.Kind == KindActivity {
			got = append(got, e.Code)
		}
	}
	if len(got) != 2 || got[0] != ActivityVendStarted || got[1] != ActivityVendEnded {
		t.Errorf("%q", got)
	}
}
