package store

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/chekomat/chekomat/hub/api/contract"
)

// CreateLane makes a lane of n.Operator.
func (s *Store) CreateLane(ctx context.Context, n contract.NewLane) (id string, err error) {
	err = s.change(ctx, "make lane "+n.Name, func(tx *sql.Tx) error {
		id = sortableID(s.Now())
		if err := exists(tx, `SELECT 1 FROM seller WHERE id=? AND operator_id=?`, n.Seller, n.Operator); err != nil {
			return &FieldError{Field: "seller", Err: err}
		}
		if err := exists(tx, `SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM lane WHERE operator_id=? AND name=?)`, n.Operator, n.Name); err != nil {
			return ErrExists
		}
		enabled := n.Enabled == nil || *n.Enabled
		settings, err := json.Marshal(n.Settings)
		if err != nil {
			return err
		}
		_, err = tx.Exec(`INSERT INTO lane(id,operator_id,seller_id,name,url,ffd,tax_systems,zone,test,enabled,settings,created_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)`,
			id, n.Operator, n.Seller, n.Name, n.URL, n.FFD, taxSet(n.TaxSystems), n.Zone, n.Test, enabled, string(settings), s.Now())
		return err
	})
	return id, err
}

// ChangeLane changes what is not nil.
func (s *Store) ChangeLane(ctx context.Context, operator, id string, c contract.LaneChange) error {
	var settings *string
	if c.Settings != nil {
		b, err := json.Marshal(c.Settings)
		if err != nil {
			return err
		}
		text := string(b)
		settings = &text
	}
	return s.change(ctx, "change lane "+id, func(tx *sql.Tx) error {
		return touched(tx.Exec(`UPDATE lane SET name=coalesce(?3,name), url=coalesce(?4,url), zone=coalesce(?5,zone), enabled=coalesce(?6,enabled), settings=coalesce(?7,settings)
			WHERE id=?1 AND (?2='' OR operator_id=?2)`, id, operator, c.Name, c.URL, c.Zone, c.Enabled, settings))
	})
}
