package firmware

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chekomat/chekomat/testbench/firmware/board"
	"github.com/chekomat/chekomat/testbench/replay"
)

func traces(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("CHEKOMAT_TRACES")
	if dir == "" {
		firmware, err := board.Folder()
		if err != nil {
			t.Fatal(err)
		}
		dir = filepath.Join(filepath.Dir(firmware), "..", "shared", "traces")
	}
	dir = filepath.Join(dir, "mdb")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("CHEKOMAT_TRACES absent: %v", err)
	}
	return dir
}

// Every capture with times and both lines goes through waveform, firmware, link,
// decoding and recovery, and gives the sales its manifest names.
func TestCapturesThroughTheFirmware(t *testing.T) {
	if testing.Short() {
		t.Skip("minutes of bus")
	}
	folder, dir := made(t), traces(t)
	files, err := filepath.Glob(filepath.Join(dir, "*.words.csv"))
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range files {
		name := filepath.Base(f)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			heard := filepath.Join(t.TempDir(), name)
			c, err := Capture(t.Context(), f, heard, Options{Folder: folder, Link: []string{board.UART, board.USB}[i%2], Seed: uint64(i)})
			if errors.Is(err, ErrFlat) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range c.Errors {
				t.Error(e)
			}
			got, sum, err := replay.Sold(t.Context(), heard)
			if err != nil {
				t.Fatal(err)
			}
			want, is := replay.Known[name]
			if !is {
				// Not in the table: what the file itself gives.
				if want, _, err = replay.Sold(t.Context(), f); err != nil {
					t.Fatal(err)
				}
			}
			if !slices.Equal(got, want) || sum.ChecksumErrors != 0 {
				t.Errorf("got %q, want %q; %+v", got, want, sum)
			}
			t.Logf("%d words, time error %.0f µs, sales %q", c.Wire, c.MaxError, got)
		})
	}
}
