-- +goose Up
-- What the till reads all the time, and what it needs to bind a document that
-- was found before its job was known (a hub restored from a backup).

-- SQLite uses a partial index only where the query repeats its condition word
-- for word: see queuedOnly in jobs.go. It is written without IN, for which every
-- insert would build a list in a temporary table.
CREATE INDEX job_queue ON job(seller_id, sold_at)
  WHERE state = 'queued' AND purpose <> 'shift_open' AND purpose <> 'shift_close';
CREATE INDEX job_young ON job(seller_id, young_till)
  WHERE state = 'queued' AND purpose <> 'shift_open' AND purpose <> 'shift_close';
CREATE INDEX job_busy ON job(seller_id) WHERE state = 'in_flight' OR state = 'resolving';

ALTER TABLE foreign_document ADD COLUMN receipt TEXT NOT NULL DEFAULT '{}'; -- fiscal.Receipt
ALTER TABLE foreign_document ADD COLUMN job_id TEXT REFERENCES job(id);     -- bound later to this job: no longer foreign
CREATE INDEX foreign_document_key ON foreign_document(key) WHERE key <> '';

-- +goose Down
SELECT 1;
