-- +goose Up
-- What people have made beside sales, and how old a sale may be to get an
-- ordinary receipt.

ALTER TABLE operator ADD COLUMN correct_after_m INTEGER NOT NULL DEFAULT 1440; -- minutes; an older sale gets a correction; 0: never
ALTER TABLE fiscalizer ADD COLUMN advance INTEGER NOT NULL DEFAULT 0;          -- the source's keys are the operator's own: a top-up is an advance

CREATE TABLE act (                              -- a person's order; never changed
  id          TEXT PRIMARY KEY,
  operator_id TEXT NOT NULL REFERENCES operator(id),
  kind        TEXT NOT NULL CHECK (kind='refund' OR kind='correction' OR kind='repair'),
  job_id      TEXT REFERENCES job(id),          -- of the receipt it is about
  record_id   INTEGER REFERENCES record(id),    -- of the sale it is about
  actor       TEXT NOT NULL,
  why         TEXT NOT NULL,
  body        TEXT NOT NULL,                    -- store.Order as given
  created_at  INTEGER NOT NULL
);
CREATE INDEX act_operator ON act(operator_id, created_at);
CREATE INDEX job_late ON job(operator_id, sold_at) WHERE state = 'queued' AND purpose = 'receipt';

-- +goose Down
SELECT 1;
