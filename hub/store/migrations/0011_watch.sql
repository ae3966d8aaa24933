-- +goose Up
-- What registers told of themselves over time, and what they counted in their
-- shifts beside what the hub knows of them.

ALTER TABLE fn_period ADD COLUMN since_fd INTEGER; -- each document after this one, up to last_fd, is a receipt or recorded as foreign; NULL: not known

CREATE TABLE fn_reading (                      -- an ФН's figures, thinned: see store.noteReading
  fn             TEXT NOT NULL,
  at             INTEGER NOT NULL,             -- hub's clock
  lane_id        TEXT NOT NULL REFERENCES lane(id),
  fd             INTEGER NOT NULL,             -- last document
  shift          INTEGER NOT NULL,
  shift_open     INTEGER NOT NULL,
  unsent         INTEGER,                      -- documents without the OFD's confirmation; NULL: not told, like the two below
  unsent_at      TEXT NOT NULL DEFAULT '',     -- register's wall clock of the first of them; '' not known
  documents_left INTEGER,
  memory_left    INTEGER,
  PRIMARY KEY (fn, at)
);

CREATE TABLE ledger_shift (                    -- one shift of an ФН: what the register counted, what the hub knows of
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  operator_id TEXT NOT NULL,
  lane_id     TEXT NOT NULL REFERENCES lane(id),
  fn          TEXT NOT NULL,
  shift       INTEGER NOT NULL,
  is_open     INTEGER NOT NULL,
  source      TEXT NOT NULL,                   -- kkt.CounterSource; '' nothing was read
  last_fd     INTEGER NOT NULL,                -- last document counted
  counters    TEXT NOT NULL,                   -- kkt.Counters
  lines       TEXT NOT NULL,                   -- ledger.Line list
  outcome     TEXT NOT NULL CHECK (outcome='agree' OR outcome='differ' OR outcome='unknown'),
  read_at     INTEGER NOT NULL,
  made_at     INTEGER NOT NULL,
  UNIQUE (fn, shift)
);
CREATE INDEX ledger_shift_operator ON ledger_shift(operator_id, id);
CREATE INDEX ledger_shift_lane ON ledger_shift(lane_id, id);
CREATE INDEX ledger_shift_differ ON ledger_shift(lane_id, shift) WHERE outcome = 'differ';
CREATE INDEX receipt_report ON receipt(id) WHERE operation = 0;              -- shift reports
CREATE INDEX foreign_document_report ON foreign_document(fn, fd) WHERE kind = 5; -- closings of shifts by others

-- +goose Down
SELECT 1;
