package cli

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/chekomat/chekomat/hub/check"
	"github.com/chekomat/chekomat/hub/store"
)

// run runs the command check on a database.
func run(t *testing.T, path string, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd := CLI{Lang: "en", Out: &out}.Check(func(*cobra.Command) (string, error) { return path, nil }, &out)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(context.Background())
	return out.String(), err
}

func TestCheckSaysWhatItFound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hub.db")
	s, err := store.Open(context.Background(), path, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if out, err := run(t, path); err != nil || !strings.Contains(out, "All holds") {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := s.Write(context.Background(), func(tx *sql.Tx) error {
		_, err := tx.Exec(`INSERT INTO tally VALUES ('op', 'sale', 7)`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	out, err := run(t, "nowhere", "--full-speed", "--database", path)
	if !errors.Is(err, ErrViolated) || !strings.Contains(out, check.Say("count_differs", "en")) || !strings.Contains(out, "op sale") {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = run(t, path, "--json")
	var r check.Report
	if !errors.Is(err, ErrViolated) || json.Unmarshal([]byte(out), &r) != nil || r.OK || r.Violated() != 1 {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := run(t, path+"x"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("%v", err)
	}
}
