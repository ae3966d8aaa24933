package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/chekomat/chekomat/hub/api/contract"
)

// Caller is whose token a request carries; Operator "" is the installation,
// which sees every operator.
type Caller struct {
	Operator string
	Name     string // of the token
}

// tokenPrefix tells people (and secret scanners) what the text is.
const tokenPrefix = "chk_"

// tokenID is how many digits of the hash name a token.
const tokenID = 16

func hashToken(token string) string {
	h := sha256.Sum256([]byte(token))
	return hex.EncodeToString(h[:])
}

// newToken is 32 random bytes.
func newToken() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return tokenPrefix + hex.EncodeToString(b[:])
}

// CreateToken makes a token of an operator ("" the installation). Its value is
// kept nowhere.
func (s *Store) CreateToken(ctx context.Context, operator, name string) (contract.CreatedToken, error) {
	token := newToken()
	err := s.KeepToken(ctx, operator, name, token)
	return contract.CreatedToken{ID: hashToken(token)[:tokenID], Token: token, Operator: operator, Name: name}, err
}

// KeepToken makes a given value a valid token, unless it is one already.
func (s *Store) KeepToken(ctx context.Context, operator, name, token string) error {
	err := s.Write(ctx, func(tx *sql.Tx) error {
		if err := hasOperator(tx, operator); operator != "" && err != nil {
			return err
		}
		_, err := tx.Exec(`INSERT INTO api_token(hash,operator_id,name,created_at) VALUES (?,NULLIF(?,''),?,?) ON CONFLICT DO NOTHING`,
			hashToken(token), operator, name, s.Now())
		return err
	})
	if err != nil {
		return fmt.Errorf("store: make token %q: %w", name, err)
	}
	return nil
}

// TokenCaller says whose token it is; ErrNotFound when it is none, or revoked.
func (s *Store) TokenCaller(ctx context.Context, token string) (c Caller, err error) {
	err = s.r.QueryRowContext(ctx, `SELECT coalesce(operator_id,''), name FROM api_token WHERE hash=? AND revoked_at IS NULL`,
		hashToken(token)).Scan(&c.Operator, &c.Name)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return Caller{}, fmt.Errorf("store: token: %w", err)
	}
	return c, nil
}

// Tokens lists tokens of an operator, or all.
func (s *Store) Tokens(ctx context.Context, operator string) ([]contract.Token, error) {
	return collect(ctx, s.r, func(r *sql.Rows) (t contract.Token, err error) {
		var created int64
		var revoked sql.NullInt64
		err = r.Scan(&t.ID, &t.Operator, &t.Name, &created, &revoked)
		t.CreatedAt, t.RevokedAt = instant(created), instant(revoked.Int64)
		return t, err
	}, `SELECT substr(hash,1,16), coalesce(operator_id,''), name, created_at, revoked_at FROM api_token
		WHERE ?1='' OR operator_id=?1 ORDER BY created_at, hash`, operator)
}

// RevokeToken ends a token by its id; an operator may end its own only.
func (s *Store) RevokeToken(ctx context.Context, operator, id string) error {
	return s.change(ctx, "revoke token "+id, func(tx *sql.Tx) error {
		if len(id) != tokenID {
			return ErrNotFound
		}
		return touched(tx.Exec(`UPDATE api_token SET revoked_at=coalesce(revoked_at,?3)
			WHERE hash>=?1 AND hash<?1||'g' AND (?2='' OR operator_id=?2)`, id, operator, s.Now()))
	})
}

// change is Write with the attempt's name in the error.
func (s *Store) change(ctx context.Context, what string, fn func(tx *sql.Tx) error) error {
	if err := s.Write(ctx, fn); err != nil {
		return fmt.Errorf("store: %s: %w", what, err)
	}
	return nil
}

// touched turns an UPDATE that met no row into ErrNotFound.
func touched(res sql.Result, err error) error { return one(res, err, ErrNotFound) }

// instant is a database time; 0 is the zero time.
func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// querier is a database or a transaction of it.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// collect reads all rows of a query; never nil, so that JSON has [].
func collect[T any](ctx context.Context, q querier, scan func(*sql.Rows) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("store: query: %w", err)
	}
	defer rows.Close()
	all := []T{}
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("store: read row: %w", err)
		}
		all = append(all, v)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("store: read rows: %w", err)
	}
	return all, nil
}

// ProbeWrite makes a real durable write, to learn whether the next one will
// succeed.
func (s *Store) ProbeWrite(ctx context.Context) error {
	err := s.write(ctx, true, func(tx *sql.Tx) error {
		_, err := tx.Exec(`INSERT INTO probe(id,at) VALUES (1,?) ON CONFLICT(id) DO UPDATE SET at=excluded.at`, s.Now())
		return err
	})
	if err != nil {
		return fmt.Errorf("store: probe: %w", err)
	}
	return nil
}
