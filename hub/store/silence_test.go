package store

import (
	"context"
	"testing"
	"time"

	"github.com/chekomat/chekomat/agent/wire"
	"github.com/chekomat/chekomat/display"
)

func (sc *scene) config() wire.Config {
	sc.tb.Helper()
	_, _, err := sc.Snapshot(context.Background(), "op", "a1")
	if err != nil {
		sc.tb.Fatal(err)
	}
	g, err := sc.Greet(context.Background(), "op", "a1", wire.Hello{V: 1, Journal: "j", Session: "s"})
	if err != nil {
		sc.tb.Fatal(err)
	}
	return g.Config
}

func (sc *scene) tellSilence(reason string) {
	sc.tb.Helper()
	if err := sc.TellSilence(context.Background(), "s", reason, sc.Now()); err != nil {
		sc.tb.Fatal(err)
	}
}

func TestASilentRegisterIsToldAndStopsTheMachineByItsRule(t *testing.T) {
	sc := newScene(t)
	sc.do(`INSERT INTO machine_rule(machine_id,stop_after_m) VALUES ('m',2)`)
	first := sc.config()
	if first.LateReason != "" || first.OffReason != "" {
		t.Fatalf("all is well: %+v", first)
	}
	sc.tellSilence(LateSilent)
	c := sc.config()
	if c.LateReason != LateSilent || c.OffReason != "" || c.Version <= first.Version {
		t.Fatalf("register silent: %+v", c)
	}
	sc.advance(2*time.Minute - time.Millisecond)
	if c = sc.config(); c.OffReason != "" {
		t.Fatalf("stopped before its time: %+v", c)
	}
	sc.advance(time.Millisecond)
	if c = sc.config(); c.OffReason != LateSilent {
		t.Fatalf("not stopped: %+v", c)
	}
	sc.tellSilence("")
	if c = sc.config(); c.OffReason != "" || c.LateReason != "" {
		t.Fatalf("it works again: %+v", c)
	}
	sc.do(`UPDATE machine_rule SET stop_after_m=0`)
	sc.tellSilence(LateFNFull)
	sc.advance(1000 * time.Hour)
	if c = sc.config(); c.OffReason != "" || c.LateReason != LateFNFull {
		t.Fatalf("without a rule it sells on: %+v", c)
	}
}

func TestAMachineWhoseTerminalFiscalizesDoesNotWaitForARegister(t *testing.T) {
	sc := newScene(t)
	sc.do(`UPDATE fiscalizer SET who='terminal'`)
	sc.tellSilence(LateSilent)
	if c := sc.config(); c.LateReason != "" {
		t.Errorf("told %q", c.LateReason)
	}
	sc.do(`INSERT INTO fiscalizer(machine_id,source,valid_from,who) VALUES ('m','cash',2,'us')`)
	if c := sc.config(); c.LateReason != LateSilent {
		t.Errorf("cash is ours, told %q", c.LateReason)
	}
}

func TestPoolsListEverySellersEnabledLanes(t *testing.T) {
	sc := newScene(t)
	sc.do(`INSERT INTO seller(id,operator_id,name,inn,created_at) VALUES ('z','op','Z','7700999990',1)`)
	for _, id := range []string{"l1", "l2", "l3"} {
		sc.do(`INSERT INTO lane(id,operator_id,seller_id,name,url,ffd,tax_systems,zone,enabled,created_at) VALUES (?,'op','s',?,'shtrih+tcp://x:1','1.2',1,'UTC',?,1)`,
			id, id, id != "l3")
	}
	sc.do(`INSERT INTO lane_state(lane_id,state,fault) VALUES ('l2','fn_full','fn_full')`)
	sc.tellSilence(LateBusy)
	all, err := sc.Pools(context.Background())
	if err != nil || len(all) != 2 {
		t.Fatalf("%+v %v", all, err)
	}
	p := all[0]
	if p.Seller != "s" || p.Operator != "op" || p.Told != LateBusy || p.Since != sc.Now() || len(p.Lanes) != 2 ||
		p.Lanes[0] != (LaneDoes{}) || p.Lanes[1] != (LaneDoes{"fn_full", "fn_full"}) {
		t.Errorf("seller s: %+v", p)
	}
	if p := all[1]; p.Seller != "z" || len(p.Lanes) != 0 || p.Told != "" {
		t.Errorf("seller z: %+v", p)
	}
}

func TestDisplaysKnowEveryReasonOfALateReceipt(t *testing.T) {
	for _, code := range []string{LateSilent, LateBusy, LateFault, LateFNFull, LateFNOver, LateOFD, LateShift, LateQueue, LateNoLanes} {
		known := false
		for _, r := range display.Reasons() {
			known = known || r.Code == code
		}
		if !known {
			t.Errorf("no display knows %q", code)
		}
	}
}

func TestAPendingReceiptSaysWhyInABuyersWords(t *testing.T) {
	for _, c := range []struct{ state, reason, want string }{
		{JobQueued, "", LateQueue},
		{JobInFlight, "", ""},
		{JobQueued, "register_unreachable", LateSilent},
		{JobResolving, "register_no_answer", LateSilent},
		{JobQueued, "register_paper_out", LateFault},
		{JobQueued, "shift_expired", LateShift},
		{JobQueued, "fn_full", LateFNFull},
		{JobQueued, "waits_for_receipt", "waits_for_receipt"},
	} {
		if got := pendingReason(c.state, c.reason); got != c.want {
			t.Errorf("%s %q: %q, want %q", c.state, c.reason, got, c.want)
		}
	}
}
