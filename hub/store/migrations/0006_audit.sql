-- +goose Up
-- The machines' own counters, and what was heard of the bus beside them.

CREATE TABLE audit (                           -- one reading; the report as read stays in the record's body
  record_id     INTEGER PRIMARY KEY REFERENCES record(id),
  operator_id   TEXT NOT NULL,
  agent_id      TEXT NOT NULL,
  journal_id    TEXT NOT NULL,
  seq           INTEGER NOT NULL,
  head          INTEGER NOT NULL,              -- records of head+1..seq-1 came while it was read
  machine_id    TEXT REFERENCES machine(id),
  at            INTEGER NOT NULL,
  since_journal TEXT NOT NULL DEFAULT '',      -- the reading it was compared with; '' none
  since_seq     INTEGER NOT NULL DEFAULT 0,
  body          TEXT NOT NULL,                 -- wire.Audit without the report
  UNIQUE (operator_id, agent_id, journal_id, seq)
);
CREATE INDEX audit_machine ON audit(machine_id, record_id);

CREATE TABLE reconciliation (                  -- one kind of payment between two readings; NULL is unknown, never 0
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  operator_id   TEXT NOT NULL,
  machine_id    TEXT NOT NULL REFERENCES machine(id),
  audit_id      INTEGER NOT NULL REFERENCES audit(record_id), -- the reading that ends the period
  kind          TEXT NOT NULL,                 -- all, cash, cashless1, cashless2, tokens
  from_at       INTEGER NOT NULL,              -- 0: not known
  to_at         INTEGER NOT NULL,
  bus_vends     INTEGER,
  bus_minor     INTEGER,
  counted_vends INTEGER,
  counted_minor INTEGER,
  outcome       TEXT NOT NULL CHECK (outcome IN ('agree','differ','unknown')),
  reason        TEXT NOT NULL DEFAULT '',      -- why unknown, stable code
  made_at       INTEGER NOT NULL,
  UNIQUE (audit_id, kind)
);
CREATE INDEX reconciliation_operator ON reconciliation(operator_id, id);
CREATE INDEX reconciliation_machine ON reconciliation(machine_id, id);
CREATE INDEX reconciliation_told ON reconciliation(machine_id, to_at) WHERE outcome <> 'unknown';

-- +goose Down
SELECT 1;
