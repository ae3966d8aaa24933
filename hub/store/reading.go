package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"

	"github.com/chekomat/chekomat/hub/store/postgres"
)

// ErrOtherSchema says that a database is of another version of the hub.
var ErrOtherSchema = errors.New("the database is of another version of the hub")

// OpenReading opens the database at address (as Open) for reading alone: it
// changes nothing, not even the schema, and a hub may work on it meanwhile.
// ErrNotFound when there is none, ErrOtherSchema when its schema is not this
// program's.
func OpenReading(ctx context.Context, address string) (*sql.DB, error) {
	db, shown, err := openReading(address)
	if err == nil {
		err = ofThisSchema(ctx, db)
		if err != nil {
			err = errors.Join(err, db.Close())
		}
	}
	if err != nil {
		return nil, fmt.Errorf("store: open %s for reading: %w", shown, err)
	}
	return db, nil
}

func openReading(address string) (*sql.DB, string, error) {
	if postgres.Is(address) {
		cfg, err := postgres.Parse(address)
		if err != nil {
			return nil, postgres.Redacted(address), err
		}
		return cfg.With(map[string]string{"default_transaction_read_only": "on"}).Readers(), cfg.String(), nil
	}
	if _, err := os.Stat(address); errors.Is(err, os.ErrNotExist) {
		return nil, address, ErrNotFound
	}
	q := url.Values{"mode": {"ro"}, "_query_only": {"true"}, "_busy_timeout": {"10000"}, "_txlock": {"deferred"}, "_mutex": {"no"}, "_cache_size": {"-32768"}}
	db, err := sql.Open("sqlite3", "file:"+(&url.URL{Path: address}).EscapedPath()+"?"+q.Encode())
	return db, address, err
}

func ofThisSchema(ctx context.Context, db *sql.DB) error {
	names, err := migrations.ReadDir("migrations")
	if err != nil {
		return err
	}
	var newest, have int64
	for _, n := range names {
		var v int64
		if _, err := fmt.Sscanf(n.Name(), "%d_", &v); err == nil {
			newest = max(newest, v)
		}
	}
	if err := db.QueryRowContext(ctx, `SELECT max(version_id) FROM goose_db_version WHERE is_applied`).Scan(&have); err != nil {
		return err
	}
	if have != newest {
		return fmt.Errorf("%w: %d, this program's is %d", ErrOtherSchema, have, newest)
	}
	return nil
}
