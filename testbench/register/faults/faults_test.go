package faults

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	for s, want := range map[string]Fault{
		"lost_answer:0.01":                     {Kind: LostAnswer, Rate: 0.01},
		"late_execution:0.005@close":           {Kind: LateExecution, Rate: 0.005, Command: "close"},
		"cut@FF45#2,byte=7":                    {Kind: Cut, Command: "FF45", Nth: 2, Byte: 7},
		"power_loss@close,step=data2":          {Kind: PowerLoss, Command: "close", Step: StepData, Part: 2},
		"power_loss@31,step=finish,delay=10ms": {Kind: PowerLoss, Command: "31", Step: StepFinish, Delay: Delay(10 * time.Millisecond)},
		"error@FF01,code=2F,times=3":           {Kind: ErrorCode, Command: "FF01", Code: 0x2F, Times: 3},
		"slow@close,nth=2,delay=3s":            {Kind: Slow, Command: "close", Nth: 2, Delay: Delay(3 * time.Second)},
		"paper_out,when=after":                 {Kind: PaperOut, When: After},
		"cut@8D,drop":                          {Kind: Cut, Command: "8D", Drop: true},
	} {
		got, err := Parse(s)
		if err != nil {
			t.Errorf("%s: %v", s, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", s, d)
		}
		b, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := UnmarshalAny(b); err != nil || again != got {
			t.Errorf("%s: JSON %s reads as %+v, %v", s, b, again, err)
		}
	}
}

func TestRefused(t *testing.T) {
	known := func(c string) bool { return c == "FF45" }
	for _, s := range []string{
		"", "paper", "cut@", "cut:2", "cut:NaN", "cut:x", "cut@FF45#x", "cut#-1", "cut@FF45#-1", "cut,byte=-1", "cut,what=1", "cut,when=often",
		"cut,delay=1", "cut,delay=-1s", "error,code=100", "cut,step=data", "power_loss,step=later", "power_loss,step=finish2", "cut@FF99",
	} {
		f, err := Parse(s)
		if err == nil && s != "cut@" && s != "cut#-1" {
			err = f.Check(known)
		} else if err == nil {
			continue // "cut@" names any command; "cut#-1" is a kind of that name
		}
		if err == nil {
			t.Errorf("%q was taken: %+v", s, f)
		}
	}
	if err := (Fault{Kind: Cut, Command: "CLOSE"}).Check(known); err != nil {
		t.Error(err)
	}
}

func TestTheNthOfAKind(t *testing.T) {
	s := NewSet(1)
	s.Add(Fault{Kind: Cut, Command: "close", Nth: 2})
	s.Add(Fault{Kind: LostAnswer, Command: "ff45", Nth: 3})
	s.Add(Fault{Kind: Slow, Command: "item"})
	var got []Kind
	for range 4 {
		if f, ok := s.Match("FF46", CommandItem); !ok || f.Kind != Slow {
			t.Fatalf("item: %+v", f)
		}
		f, _ := s.Match("FF45", CommandClose)
		got = append(got, f.Kind)
	}
	if d := cmp.Diff([]Kind{"", Cut, LostAnswer, ""}, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[Kind]int{Cut: 1, LostAnswer: 1, Slow: 4}, s.Struck()); d != "" {
		t.Error(d)
	}
	if len(s.All()) != 1 {
		t.Errorf("armed: %v", s.All())
	}
}

// A set strikes as its faults say, and equally for equal seeds.
func TestStrikes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		fs := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) Fault {
			return Fault{
				Kind:    rapid.SampledFrom(Kinds()).Draw(rt, "kind"),
				Command: rapid.SampledFrom([]string{"", "a", "b"}).Draw(rt, "command"),
				Nth:     rapid.IntRange(0, 3).Draw(rt, "nth"),
				Rate:    rapid.SampledFrom([]float64{0, 0, 0.5, 1}).Draw(rt, "rate"),
				Times:   rapid.IntRange(0, 3).Draw(rt, "times"),
			}
		}), 0, 4).Draw(rt, "faults")
		commands := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 30).Draw(rt, "commands")
		run := func() (kinds []Kind, total int) {
			s := NewSet(seed)
			limit := 0
			for _, f := range fs {
				if err := f.Check(nil); err != nil {
					rt.Fatal(err)
				}
				s.Add(f)
				switch {
				case f.Times > 0:
					limit += f.Times
				case f.Rate > 0, f.Kind == Slow && f.Nth == 0:
					limit += len(commands)
				default:
					limit++
				}
			}
			for _, c := range commands {
				f, ok := s.Match(c)
				if ok {
					total++
					if f.Command != "" && f.Command != c {
						rt.Fatalf("%s struck %s", f, c)
					}
				}
				kinds = append(kinds, f.Kind)
			}
			counted := 0
			for _, n := range s.Struck() {
				counted += n
			}
			if counted != total || total > limit {
				rt.Fatalf("%d strikes counted, %d seen, at most %d allowed", counted, total, limit)
			}
			return kinds, total
		}
		first, _ := run()
		second, _ := run()
		if d := cmp.Diff(first, second); d != "" {
			rt.Fatal(d)
		}
	})
}

func TestControl(t *testing.T) {
	s := NewSet(0)
	mux := http.NewServeMux()
	s.Handle(mux, func(f Fault) error {
		if f.Kind == Off {
			return errors.New("off is not for sale")
		}
		s.Add(f)
		return nil
	})
	do := func(method, body string) (int, string) {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(method, "/fault", bytes.NewBufferString(body)))
		return w.Code, w.Body.String()
	}
	for body, want := range map[string]int{`"cut@close"`: 200, `{"kind":"slow","delay":"2s"}`: 200, `"off"`: 400, `{"kind":3}`: 400, `[`: 400, `"paper"`: 400} {
		if code, text := do("POST", body); code != want {
			t.Errorf("%s: %d %s", body, code, text)
		}
	}
	if len(s.All()) != 2 {
		t.Errorf("armed %v", s.All())
	}
	if code, text := do("DELETE", ""); code != 200 || text != "[]\n" {
		t.Errorf("%d %q", code, text)
	}
	if _, text := do("GET", ""); text != "[]\n" {
		t.Errorf("%q", text)
	}
}

func TestImmediate(t *testing.T) {
	for s, want := range map[string]bool{"off": true, "off@close": false, "paper_out": true, "paper_out@close": false, "cut": false, "second_host": true, "fn_full:0.1": false} {
		f, err := Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		if f.Immediate() != want {
			t.Errorf("%s: %v", s, f.Immediate())
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("cut@FF45#2,byte=7")
	f.Add("power_loss@close,step=data2,delay=1s")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := Parse(s)
		if err != nil {
			return
		}
		b, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		var again Fault
		if err := json.Unmarshal(b, &again); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
	})
}
