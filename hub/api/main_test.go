package api

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/chekomat/chekomat/hub/store"
	"github.com/chekomat/chekomat/hub/store/storetest"
)

// TestMain runs every test over SQLite and over PostgreSQL.
func TestMain(m *testing.M) {
	os.Exit(storetest.Run(m, func(address string) error {
		s, err := store.Open(context.Background(), address, time.Now)
		if err != nil {
			return err
		}
		return s.Close()
	}))
}
