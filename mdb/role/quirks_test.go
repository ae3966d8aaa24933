package role

import (
	"bytes"
	"errors"
	"testing"

	"github.com/chekomat/chekomat/mdb"
)

var narrow = mdb.Dialect{Level: 2}

// Tests named after the rows of reference 17 that concern a reader or gateway.

func TestOffersLevel1First_SandenVendo(t *testing.T) {
	s, r := newReader(t, ReaderSettings{})
	s.want(mdb.Reset{}, narrow)
	s.want(mdb.Poll{}, narrow, 0)
	// The VMC claims level 3 and would refuse a PERIPHERAL ID of that level.
	s.want(mdb.SetupConfig{Level: 3}, narrow, 1, 1, 0x16, 0x43, 1, 2, 30, mdb.ReaderCashSale)
	id, _ := s.ask(mdb.RequestID{}, narrow)
	if len(id) != 30 || id[0] != 9 {
		t.Fatalf("PERIPHERAL ID % X", id)
	}
	s.want(mdb.ReaderControl{Action: mdb.ReaderEnable}, narrow)
	if r.State() != Enabled {
		t.Fatal(r.State())
	}
}

func TestSandenVendoGoesOnWhenRequestIDStaysUnanswered(t *testing.T) {
	for _, byPoll := range []bool{false, true} {
		s, r := newReader(t, ReaderSettings{Level: 3, SilentID: true, ByPoll: byPoll})
		s.want(mdb.Reset{}, narrow)
		s.want(mdb.Poll{}, narrow, 0)
		s.ask(mdb.SetupConfig{Level: 3}, narrow)
		s.ask(mdb.Poll{}, narrow)
		for range 5 {
			if got, ok := s.ask(mdb.RequestID{}, narrow); ok {
				t.Fatalf("answered % X", got)
			}
		}
		s.want(mdb.ReaderControl{Action: mdb.ReaderEnable}, narrow)
		if got := s.poll(3); got != nil || r.State() != Enabled {
			t.Fatalf("% X, %s", got, r.State())
		}
	}
}

func TestLevelNeverAboveTheVMCs(t *testing.T) {
	for _, c := range []struct{ offered, vmc, want uint8 }{{3, 1, 1}, {3, 2, 2}, {3, 3, 3}, {2, 3, 2}, {1, 3, 1}, {3, 0x83, 3}, {2, 0x82, 2}} {
		s, _ := newReader(t, ReaderSettings{Level: c.offered})
		got, _ := s.ask(mdb.SetupConfig{Level: c.vmc}, narrow)
		if len(got) != 8 || got[1] != c.want {
			t.Errorf("offering %d to a VMC of level %d: % X", c.offered, c.vmc, got)
		}
		id, _ := s.ask(mdb.RequestID{}, narrow)
		if want := map[bool]int{false: 30, true: 34}[c.want == 3]; len(id) != want {
			t.Errorf("offering %d to a VMC of level %d: PERIPHERAL ID of %d bytes", c.offered, c.vmc, len(id))
		}
	}
}

func TestShortIDAtLevel3(t *testing.T) {
	s, _ := newReader(t, ReaderSettings{Level: 3, ShortID: true, Features: mdb.Option32Bit})
	s.ask(mdb.SetupConfig{Level: 3}, narrow)
	if id, _ := s.ask(mdb.RequestID{}, narrow); len(id) != 30 {
		t.Fatalf("PERIPHERAL ID of %d bytes", len(id))
	}
}

func TestLevel2VMCNeedsTenByteBeginSession(t *testing.T) {
	s, r := newReader(t, ReaderSettings{Level: 2, Sells: true})
	s.setUp(2)
	s.owner(r.Begin(5000))
	// Type 0 and data 0: funds echoed there break the credit display.
	want := []byte{3, 0x13, 0x88, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0}
	if got := s.poll(2); !bytes.Equal(got, want) {
		t.Fatalf("BEGIN SESSION % X", got)
	}
	if r.State() != Idle {
		t.Fatal(r.State())
	}
}

func TestLevel1BeginSessionHasFundsOnly(t *testing.T) {
	s, r := newReader(t, ReaderSettings{Sells: true})
	s.setUp(3)
	s.owner(r.Begin(0xFFFF))
	if got := s.poll(2); !bytes.Equal(got, []byte{3, 0xFF, 0xFF}) {
		t.Fatalf("BEGIN SESSION % X", got)
	}
}

func TestBeginSessionIsOfferedUntilTheVMCTakesIt(t *testing.T) {
	s, r := newReader(t, ReaderSettings{Sells: true})
	s.setUp(1)
	s.owner(r.Begin(100))
	s.deaf = true
	for range 10 {
		s.want(mdb.Poll{}, narrow, 3, 0, 100)
		if r.State() != Enabled {
			t.Fatal("a session nobody took")
		}
	}
	s.deaf = false
	s.want(mdb.Poll{}, narrow, 3, 0, 100)
	if r.State() != Idle {
		t.Fatal(r.State())
	}
	s.want(mdb.Poll{}, narrow)
}

func TestSessionCompleteAnsweredByPoll(t *testing.T) {
	s, r := newReader(t, ReaderSettings{Sells: true})
	s.setUp(1)
	s.owner(r.Begin(100))
	s.poll(1)
	s.want(mdb.SessionComplete{}, narrow)
	s.want(mdb.SessionComplete{}, narrow) // said twice: one END SESSION (appendix 3)
	s.want(mdb.Poll{}, narrow, 7)
	s.want(mdb.Poll{}, narrow)
	if r.State() != Enabled {
		t.Fatal(r.State())
	}
}

func TestSessionCompleteAnsweredAtOnce(t *testing.T) {
	s, r := newReader(t, ReaderSettings{Sells: true, EndAtOnce: true})
	s.setUp(1)
	s.owner(r.Begin(100))
	s.poll(1)
	s.want(mdb.SessionComplete{}, narrow, 7)
	s.want(mdb.Poll{}, narrow)
	if r.State() != Enabled {
		t.Fatal(r.State())
	}
}

func TestPepsiIgnoresSessionCancelRequest(t *testing.T) {
	s, r := newReader(t, ReaderSettings{Sells: true, CancelTries: 4})
	s.setUp(1)
	s.owner(r.Begin(100))
	s.poll(1)
	s.owner(r.Cancel())
	asked, ended := 0, false
	for range 100 {
		switch got := s.poll(1); {
		case bytes.Equal(got, []byte{4}):
			asked++
		case bytes.Equal(got, []byte{7}):
			ended = true
		}
	}
	if asked != 4 || !ended || r.State() != Enabled {
		t.Fatalf("asked %d times, ended %v, %s", asked, ended, r.State())
	}
	s.owner(r.Begin(100)) // it does not hang
}

func TestAllDataByPoll_D200_Senvend(t *testing.T) {
	s, r := newReader(t, ReaderSettings{ByPoll: true, Sells: true})
	s.want(mdb.Reset{}, narrow)
	s.want(mdb.Poll{}, narrow, 0)
	s.want(mdb.SetupConfig{Level: 2}, narrow)
	s.want(mdb.Poll{}, narrow, 1, 1, 0x16, 0x43, 1, 2, 30, mdb.ReaderCashSale)
	s.want(mdb.MaxMinPrices{Max: 100}, narrow)
	s.want(mdb.RequestID{}, narrow)
	if got := s.poll(1); len(got) != 30 || got[0] != 9 {
		t.Fatalf("PERIPHERAL ID % X", got)
	}
	s.want(mdb.ReaderControl{Action: mdb.ReaderEnable}, narrow)
	s.want(mdb.ReaderControl{Action: mdb.ReaderCancel}, narrow)
	s.want(mdb.Poll{}, narrow, 8)
	s.owner(r.Begin(100))
	s.poll(1)
	s.want(mdb.VendRequest{Price: 100, Item: 1}, narrow)
	s.owner(r.Deny())
	s.want(mdb.Poll{}, narrow, 6)
	s.want(mdb.RevalueLimitRequest{}, narrow)
	s.want(mdb.Poll{}, narrow, 0x0E)
}

func TestRequestIDOfZeroBytes_NectaKikkoMax(t *testing.T) {
	s, r := newReader(t, ReaderSettings{})
	s.setUp(2) // RequestID with an empty identity is blanks; here it is zeros
	block := append([]byte{byte(r.Device()) | 7, 0}, make([]byte, 29)...)
	if got := s.d.Ask(0, mdb.Seal(block)); len(got) != 31 || got[0] != 9 {
		t.Fatalf("% X", got)
	}
}

func TestEnableBeforeSetUpIsFine(t *testing.T) {
	s, r := newReader(t, ReaderSettings{Sells: true})
	s.want(mdb.Reset{}, narrow)
	s.want(mdb.ReaderControl{Action: mdb.ReaderEnable}, narrow)
	if _, err := r.Begin(1); !errors.Is(err, ErrNotEnabled) {
		t.Fatalf("a session without knowing the VMC's level: %v", err)
	}
	s.ask(mdb.SetupConfig{Level: 2}, narrow)
	s.owner(r.Begin(1))
}

func TestVendRequestSaidAgainIsOne(t *testing.T) {
	s, r := newReader(t, ReaderSettings{Sells: true})
	s.setUp(1)
	s.owner(r.Begin(0xFFFF))
	s.poll(1)
	s.want(mdb.VendRequest{Price: 100, Item: 1}, narrow)
	s.owner(r.Approve(100))
	s.want(mdb.VendRequest{Price: 100, Item: 1}, narrow) // the ACK was missed
	if _, ok := r.Asked(); ok {
		t.Fatal("to be decided twice")
	}
	s.want(mdb.Poll{}, narrow, 5, 0, 100)
	s.want(mdb.VendSuccess{Item: 1}, narrow)
	if r.State() != Idle {
		t.Fatal(r.State())
	}
}

func TestReaderWithoutPaymentDeniesByItself(t *testing.T) {
	s, r := newReader(t, ReaderSettings{})
	s.setUp(3)
	s.want(mdb.VendRequest{Price: 100, Item: 1}, narrow, 6)
	s.want(mdb.RevalueRequest{Amount: 100}, narrow, 0x0E)
	s.want(mdb.CashSale{Price: 4500, Item: 12}, narrow)
	s.want(mdb.ReaderControl{Action: mdb.ReaderCancel}, narrow, 8)
	if r.State() != Enabled {
		t.Fatal(r.State())
	}
}

func TestExpandedCurrencyMode(t *testing.T) {
	s, r := newReader(t, ReaderSettings{Level: 3, Sells: true, Features: mdb.Option32Bit | mdb.OptionAlwaysIdle})
	s.setUp(3)
	s.want(mdb.FeatureEnable{Options: mdb.Option32Bit | mdb.OptionAlwaysIdle}, mdb.Dialect{Level: 3})
	wide := mdb.Dialect{Level: 3, EC: true}
	// Always idle: no session before it.
	s.want(mdb.VendRequest{Price: 600000, Item: 300}, wide)
	if v, ok := r.Asked(); !ok || v.Price != 600000 || v.Item != 300 {
		t.Fatalf("%+v %v", v, ok)
	}
	s.owner(r.Approve(600000))
	s.want(mdb.Poll{}, wide, 5, 0, 0x09, 0x27, 0xC0)
	s.want(mdb.VendSuccess{Item: 300}, wide)
	s.want(mdb.SessionComplete{}, wide)
	s.want(mdb.Poll{}, wide, 7)
	// RESET ends it.
	s.want(mdb.Reset{}, wide)
	if r.dl.EC || r.idle {
		t.Fatal("expanded mode outlived a RESET")
	}
}

func TestOwnerAtTheWrongTime(t *testing.T) {
	_, r := newReader(t, ReaderSettings{Sells: true})
	for _, f := range []func() (Act, error){
		func() (Act, error) { return r.Begin(1) }, func() (Act, error) { return r.Approve(1) }, r.Deny, r.Cancel,
	} {
		if a, err := f(); err == nil || a.Lines != nil {
			t.Error("no error")
		}
	}
	for _, bad := range []ReaderSettings{{Device: mdb.Changer}, {Level: 4}} {
		if _, err := NewReader(bad); err == nil {
			t.Errorf("%+v", bad)
		}
	}
}

func TestGatewayStarts(t *testing.T) {
	for _, byPoll := range []bool{false, true} {
		g := NewGateway(GatewaySettings{ByPoll: byPoll})
		s := newStage(t, g)
		data := func(m mdb.CommandMessage) []byte {
			got, _ := s.ask(m, narrow)
			if byPoll {
				if len(got) != 0 {
					t.Fatalf("%T answered directly", m)
				}
				return s.poll(1)
			}
			return got
		}
		s.want(mdb.Reset{}, narrow)
		s.want(mdb.Poll{}, narrow, 0)
		if got := data(mdb.GatewaySetup{Level: 3, Scale: 1, Decimals: 2}); !bytes.Equal(got, []byte{1, 3, 0, 5}) {
			t.Fatalf("% X", got)
		}
		if got := data(mdb.IdentificationRequest{}); len(got) != 34 || got[0] != 6 || got[33] != VerboseMode {
			t.Fatalf("% X", got)
		}
		s.want(mdb.FeatureEnable{Options: VerboseMode}, narrow)
		s.want(mdb.GatewayControl{Action: 1}, narrow)
		s.want(mdb.Report{Kind: mdb.ReportPaid, Item: 1, Price: 4500}, narrow)
		if got := data(mdb.ReportEvent{Code: "EA7"}); !bytes.Equal(got, []byte{5}) {
			t.Fatalf("DTS event: % X", got)
		}
		s.want(mdb.ReportAsset{Kind: 7, Number: "AB-123"}, narrow)
		if on, verbose := g.Enabled(); !on || !verbose || g.Machine() != "AB-123" {
			t.Fatal(on, verbose, g.Machine())
		}
	}
}

func TestCastHasOneRoleAnAddress(t *testing.T) {
	if _, err := NewCast(NewGateway(GatewaySettings{}), NewGateway(GatewaySettings{})); err == nil {
		t.Error("two gateways")
	}
	if _, err := NewCast(); err == nil {
		t.Error("nobody")
	}
}

// FuzzRoles holds that no block of the VMC makes a role panic or say what is no
// block.
func FuzzRoles(f *testing.F) {
	f.Add([]byte{5, 0x61, 0, 3, 0, 0, 6, 0x63, 0, 1, 2, 3, 4})
	f.Fuzz(func(t *testing.T, p []byte) {
		r, _ := NewReader(ReaderSettings{Level: 3, Sells: true, ByPoll: len(p)%2 == 0, Features: 0xFF})
		roles := []Role{r, NewGateway(GatewaySettings{ByPoll: true})}
		for at := int64(0); len(p) > 1; at += 100_000 {
			n := min(int(p[0]&0x1F)+1, len(p)-1)
			for _, role := range roles {
				acts := []Act{role.Command(at, p[1:1+n]), role.Advance(at), role.Said(at, p[1]&0x3F, p[1]&0x40 != 0)}
				if a, err := r.Begin(1); err == nil {
					acts = append(acts, a)
				}
				for _, a := range acts {
					for _, l := range a.Lines {
						if len(l.Data) == 0 || len(l.Data) >= mdb.MaxBlock || l.Tag > 63 {
							t.Fatalf("%+v", l)
						}
					}
				}
			}
			p = p[1+n:]
		}
	})
}
