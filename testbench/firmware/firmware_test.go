package firmware

import (
	"errors"
	"sync"
	"testing"

	"github.com/chekomat/chekomat/testbench/firmware/board"
)

var ready = sync.OnceValues(board.Ready)

// made gives the firmware folder, or skips where this computer can't make it.
func made(t *testing.T) string {
	t.Helper()
	folder, err := ready()
	if errors.Is(err, board.ErrAbsent) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// Every scenario, over both links: what the host got is what was on the wire,
// what was recovered is what the machine counted, every answer was in time.
func TestScenarios(t *testing.T) {
	folder := made(t)
	for i, s := range Scenarios {
		t.Run(s.Name, func(t *testing.T) {
			if testing.Short() && s.Name != "cashless-sale" {
				t.Skip("one scenario is enough for -short")
			}
			t.Parallel()
			link := []string{board.UART, board.USB}[i%2]
			r, err := Run(t.Context(), s, Options{Folder: folder, Link: link, Seed: uint64(i + 1)})
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range r.Problems {
				t.Error(p)
			}
			if r.Sold == 0 || r.Wire < 100 {
				t.Errorf("nothing happened: %+v", r)
			}
			if s.roles != nil && (r.Response == nil || r.Response.Answers < 50) {
				t.Errorf("answers: %+v", r.Response)
			}
			t.Logf("%s: %d words, %.0f s of bus in %.1f s, time error %.0f µs, response %+v", r.Link, r.Wire, r.Bus, r.Real, r.MaxError, r.Response)
		})
	}
}
