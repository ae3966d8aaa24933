-- +goose Up
-- Sellers for whom no lane makes receipts: what their machines are told. A row
-- outlives a restart of the hub, so a machine's patience is not counted anew.

CREATE TABLE seller_silence (
  seller_id TEXT PRIMARY KEY REFERENCES seller(id),
  reason    TEXT NOT NULL,                     -- as displays know it: register_silent, fn_full…
  since     INTEGER NOT NULL                   -- when the last lane stopped
) WITHOUT ROWID;

-- +goose Down
SELECT 1;
