package decode

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/chekomat/chekomat/mdb"
	"github.com/chekomat/chekomat/mdb/trace"
)

var update = flag.Bool("update", false, "write the dialogues anew")

const traces = "../../mdb/trace/check/testdata/"

func decoded(t *testing.T, path string, s Settings) string {
	t.Helper()
	var b bytes.Buffer
	if err := Run(context.Background(), path, s, &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestDialoguesReadAsBefore(t *testing.T) {
	files, err := filepath.Glob(traces + "*.trace")
	if err != nil || len(files) == 0 {
		t.Fatalf("no traces: %v", err)
	}
	files = append(files, "testdata/rough.trace")
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			golden := "testdata/" + strings.TrimSuffix(filepath.Base(f), ".trace") + ".golden"
			got := decoded(t, f, Settings{Style: Style{Raw: true}})
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestOnlyWhatWasAskedFor(t *testing.T) {
	got := decoded(t, "testdata/rough.trace", Settings{Devices: []string{"changer"}})
	if strings.Contains(got, "reader1") || !strings.Contains(got, "changer") {
		t.Error(got)
	}
	if got := decoded(t, traces+"card-sale.trace", Settings{From: 1_800_000, To: 2_100_000}); strings.Contains(got, "RESET") || !strings.Contains(got, "VEND APPROVED") {
		t.Error(got)
	}
	if got := decoded(t, traces+"idle-poll.trace", Settings{Options: Options{Polls: true}}); strings.Count(got, "POLL") != 2 {
		t.Error(got)
	}
	if got := decoded(t, traces+"idle-poll.trace", Settings{Style: Style{Colour: true}}); !strings.Contains(got, bold) {
		t.Error("no colours")
	}
	assumed := decoded(t, "testdata/rough.trace", Settings{Assume: []string{"reader1 scale 1 decimals 2 currency 1643"}})
	if !strings.Contains(assumed, "45.00 RUB") {
		t.Error(assumed)
	}
	if err := Run(context.Background(), "testdata/rough.trace", Settings{Assume: []string{"fog"}}, &bytes.Buffer{}); err == nil {
		t.Error("a wrong assumption was taken")
	}
}

func TestJSONIsOneObjectALine(t *testing.T) {
	got := decoded(t, traces+"card-sale.trace", Settings{JSON: true})
	for _, l := range strings.Split(strings.TrimSpace(got), "\n") {
		var v map[string]any
		if err := json.Unmarshal([]byte(l), &v); err != nil || v["kind"] == nil {
			t.Errorf("%s: %v", l, err)
		}
	}
	if !strings.Contains(got, `"price":{"raw":4500,"amount":"45.00","currency":"RUB"}`) {
		t.Error(got)
	}
}

func TestTimes(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "12.5": 12_500_000, "1m30s": 90_000_000, "200ms": 200_000} {
		if got, err := Seconds(text); err != nil || got != want {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"-1", "soon", "NaN", "-1s"} {
		if _, err := Seconds(text); err == nil {
			t.Errorf("%s is taken for a time", text)
		}
	}
}

// Whatever words come, each entry can be written and none is lost: folded polls
// are counted.
func TestAnyWordsCanBeTold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bus := rapid.SampledFrom([]string{"mdb", "exe"}).Draw(t, "bus")
		h := trace.Header{Bus: bus, Fidelity: trace.Full}
		var line []byte
		out := func(e Entry) {
			line = Style{Raw: true}.AppendText(line[:0], e)
			line = Style{Raw: true}.AppendJSON(line[:0], e)
		}
		var sp speaker = New(h, Options{}, out)
		first := mdb.Master
		if bus == "exe" {
			sp, first = newEXE(h, Options{}, out), mdb.EXEMaster
		}
		at := int64(0)
		for range rapid.IntRange(0, 200).Draw(t, "n") {
			at += rapid.SampledFrom([]int64{1146, 1146, 1146, 1500, 7000, 100_000, 2_000_000}).Draw(t, "dt")
			v := rapid.SampledFrom([]uint16{0x110, 0x112, 0x12, 0x100, 0x113, 0x10B, 0, 0x133, 0x31, 0x32, 0x117, 0xAA, 0x1FF}).Draw(t, "v")
			if rapid.IntRange(0, 3).Draw(t, "other") == 0 {
				v = rapid.Uint16Range(0, 0x1FF).Draw(t, "any")
			}
			sp.Word(mdb.Word{T: at, V: v, Line: first + mdb.Line(rapid.IntRange(0, 1).Draw(t, "line"))})
		}
		sp.Lost("x")
		sp.End()
	})
}
