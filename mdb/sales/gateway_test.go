package sales

import (
	"testing"

	"github.com/chekomat/chekomat/mdb"
)

func TestReports(t *testing.T) {
	gw := func() *bus {
		return newBus().setup(8).ask(mdb.Gateway, mdb.GatewaySetup{Level: 3, Scale: 1, Decimals: 2})
	}
	cash := mdb.Report{Kind: mdb.ReportPaid, Item: 33, Price: 350, Bills: 1000, CashOut: 650}
	card := mdb.Report{Kind: mdb.ReportPaid, Item: 12, Price: 4500, Cashless1: 4500}
	first := "sale A report #33 3.50"
	for name, c := range map[string]struct {
		b    *bus
		want []string
	}{
		"cash":                 {gw().ask(mdb.Gateway, cash), []string{first}},
		"repeated without ACK": {gw().say(mdb.Gateway, cash).wait(300).ask(mdb.Gateway, cash), []string{first}},
		"two equal ones":       {gw().ask(mdb.Gateway, cash).wait(5000).ask(mdb.Gateway, cash), []string{first, first}},
		"discount": {
			gw().ask(mdb.Gateway, mdb.Report{Kind: mdb.ReportPaid, Item: 1, Price: 500, Discount: 50, Surcharge: 20, Cashless1: 470}),
			[]string{"sale A report 10 #1 4.70"},
		},
		"mixed": {
			gw().ask(mdb.Gateway, mdb.Report{Kind: mdb.ReportPaid, Item: 8, Price: 500, Tubes: 200, Cashless2: 300}),
			[]string{"sale A report 60 #8 5.00 cash=2.00 reader2=3.00"},
		},
		"split that does not add up": {
			gw().ask(mdb.Gateway, mdb.Report{Kind: mdb.ReportPaid, Item: 8, Price: 350, Cashless2: 1000}), []string{"sale A report 60 #8 3.50"},
		},
		"no sales": {
			gw().ask(mdb.Gateway, mdb.Report{Kind: mdb.ReportFree, Item: 2, Price: 300}).ask(mdb.Gateway, mdb.Report{Kind: mdb.ReportVendless, Tubes: 300, CashOut: 300}),
			[]string{"free A report #2 0.00"},
		},
		"the first report confirms what was already sold": {
			gw().poll(mdb.Changer).vend(c1, 4500, 12).ask(mdb.Gateway, card), []string{"sale A vend_success 10 #12 45.00"},
		},
		"later ones replace vends and cash sales": {
			gw().ask(mdb.Gateway, cash).wait(5000).vend(c1, 4500, 12).ask(mdb.Gateway, card).wait(5000).ask(c1, mdb.CashSale{Price: 350, Item: 33}).ask(mdb.Gateway, cash),
			[]string{first, "sale A report 10 #12 45.00", first},
		},
		"the report comes before the vend ends": {
			gw().ask(mdb.Gateway, cash).wait(15_000).request(c1, 4500, 12).approve(c1, 4500).ask(mdb.Gateway, card).success(c1, 12),
			[]string{first, "sale A report 10 #12 45.00"},
		},
		"the money of a cash sale is taken once": {
			gw().ask(mdb.Gateway, cash).wait(15_000).coin(3).disable().ask(c1, mdb.CashSale{Price: 1000, Item: 5}).
				ask(mdb.Gateway, mdb.Report{Kind: mdb.ReportPaid, Item: 5, Price: 1000, Tubes: 1000}).enable().wait(15_000).poll(mdb.Changer),
			[]string{first, "sale A report #5 10.00"},
		},
		"also when the report comes first": {
			gw().ask(mdb.Gateway, cash).wait(15_000).coin(3).disable().
				ask(mdb.Gateway, mdb.Report{Kind: mdb.ReportPaid, Item: 5, Price: 1000, Tubes: 1000}).ask(c1, mdb.CashSale{Price: 1000, Item: 5}).
				enable().wait(15_000).poll(mdb.Changer),
			[]string{first, "sale A report #5 10.00"},
		},
		"a report that never comes does not lose the sale": {
			gw().ask(mdb.Gateway, cash).wait(5000).vend(c1, 4500, 12), []string{first, "sale A vend_success 10 #12 45.00"},
		},
	} {
		t.Run(name, func(t *testing.T) { expect(t, c.b, Config{}, c.want...) })
	}
}
