package ledger

import (
	"testing"

	"pgregory.net/rapid"
)

func ours(amount int64, made ...Made) Sale {
	return Sale{At: 100, Amount: amount, Parts: []Part{{Us, amount}}, Made: made}
}

func TestADayOfEveryFate(t *testing.T) {
	late := ours(500, Made{Stage: Way, Amount: 500})
	late.At = 7
	refunded := ours(600, Made{Stage: Done, Amount: 600})
	refunded.Refunds = []Made{{Stage: Done, Amount: 600}}
	mixed := Sale{At: 1, Amount: 900, Parts: []Part{{Us, 400}, {Terminal, 500}}, Made: []Made{{Stage: Done, Amount: 400}}}
	days := Days([]Sale{
		ours(1000, Made{Stage: Done, Amount: 1000}), refunded, late, mixed,
		ours(300, Made{Stage: Held, Reason: "fn_full", Amount: 300}),
		ours(200, Made{Stage: Void, Reason: "too_old"}, Made{Stage: Done, Amount: 200}), // a correction took its place
		ours(250, Made{Stage: Void, Reason: "by_person", Amount: 250}),
		{At: 1, Amount: 700, Parts: []Part{{Us, 700}}, Stage: Held, Reason: "c_policy"},
		{At: 1, Amount: 800, Parts: []Part{{Us, 800}}, Stage: Void, Reason: "reversed"},
		{At: 1, Amount: 150, Parts: []Part{{Terminal, 150}}, Stage: Other, Reason: "terminal_fiscalizes"},
		{At: 1, Amount: 50, Parts: []Part{{Nobody, 50}}, Stage: Held, Reason: "no_fiscalizer"},
		{At: 1, Unpriced: true, Parts: []Part{{Us, 0}}, Stage: Held, Reason: "scale_unknown"},
	})
	if len(days) != 3 || days[0].Party != Us || days[1].Party != Terminal || days[2].Party != Nobody {
		t.Fatalf("%+v", days)
	}
	us := days[0]
	if us.Outcome != Agree || us.Sales != (Figure{10, 4750}) || us.Receipts != (Figure{4, 2200}) || us.Way != (Figure{1, 500}) || us.Oldest != 7 ||
		us.Refunds != (Figure{1, 600}) || us.Unpriced != 1 || len(us.Held) != 3 || len(us.Void) != 2 {
		t.Errorf("%+v", us)
	}
	if d := days[1]; d.Outcome != Unknown || d.Difference != nil || d.Sales != (Figure{2, 650}) {
		t.Errorf("what the terminal makes is not seen: %+v", d)
	}
	if d := days[2]; d.Outcome != Agree || d.Held[0] != (Reasoned{"no_fiscalizer", Figure{1, 50}}) {
		t.Errorf("%+v", d)
	}
}

func TestWhatIsLeftOver(t *testing.T) {
	for name, c := range map[string]struct {
		sale Sale
		want Figure
	}{
		"a receipt of another sum":   {ours(500, Made{Stage: Done, Amount: 400}), Figure{0, 100}},
		"two receipts":               {ours(500, Made{Stage: Done, Amount: 500}, Made{Stage: Done, Amount: 500}), Figure{-1, -500}},
		"neither job nor reason":     {Sale{Amount: 500, Parts: []Part{{Us, 500}}, Stage: Other}, Figure{1, 500}},
		"ours, said to be another's": {Sale{Amount: 500, Parts: []Part{{Terminal, 500}}, Made: []Made{{Stage: Done, Amount: 500}}}, Figure{-1, -500}},
	} {
		days := Days([]Sale{c.sale})
		if d := days[0]; d.Party != Us || d.Outcome != Differ || *d.Difference != c.want {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

// TestEverySaleIsSomewhere: one job or one reason a sale leaves nothing over.
func TestEverySaleIsSomewhere(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var all []Sale
		for range rapid.IntRange(0, 20).Draw(rt, "sales") {
			amount := rapid.Int64Range(1, 1e6).Draw(rt, "amount")
			s := ours(amount)
			switch stage := Stage(rapid.IntRange(0, 3).Draw(rt, "stage")); {
			case rapid.Bool().Draw(rt, "job"):
				s.Made = []Made{{Stage: stage, Reason: "r", Amount: amount}}
			case stage == Done || stage == Way:
				s.Stage = Held
			default:
				s.Stage, s.Reason = stage, "r"
			}
			all = append(all, s)
		}
		for _, d := range Days(all) {
			if d.Outcome != Agree || *d.Difference != (Figure{}) {
				rt.Fatalf("%+v", d)
			}
		}
	})
}
