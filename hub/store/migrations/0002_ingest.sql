-- +goose Up
-- What ingest keeps beside the model: where a journal's seqs are missing, which
-- boots an agent came from, what snapshot of the catalogue it was given.

ALTER TABLE journal ADD COLUMN top INTEGER NOT NULL DEFAULT 0;           -- highest seq stored or refused
CREATE INDEX journal_id ON journal(id);                                  -- a journal belongs to one agent

CREATE TABLE hole (                            -- seqs below top that have not come, both ends included
  operator_id TEXT NOT NULL,
  agent_id    TEXT NOT NULL,
  journal_id  TEXT NOT NULL,
  first       INTEGER NOT NULL,
  last        INTEGER NOT NULL CHECK (last >= first),
  since       INTEGER NOT NULL,
  gone        INTEGER NOT NULL DEFAULT 0,      -- 1: the agent no longer keeps them
  PRIMARY KEY (operator_id, agent_id, journal_id, first)
) WITHOUT ROWID;
CREATE INDEX hole_since ON hole(since);

CREATE TABLE boot (                            -- kernel boots seen per journal: one that comes back after another is a clone
  operator_id TEXT NOT NULL,
  agent_id    TEXT NOT NULL,
  journal_id  TEXT NOT NULL,
  id          TEXT NOT NULL,
  ordinal     INTEGER NOT NULL,                -- 1 the first seen, growing
  seen_at     INTEGER NOT NULL,
  PRIMARY KEY (operator_id, agent_id, journal_id, id)
) WITHOUT ROWID;

CREATE TABLE landed (                          -- records of a backlog: durable and acknowledged, not yet settled (see landing.go)
  id          INTEGER PRIMARY KEY AUTOINCREMENT, -- in order of arrival
  operator_id TEXT NOT NULL,
  agent_id    TEXT NOT NULL,
  journal_id  TEXT NOT NULL,
  first       INTEGER NOT NULL,                -- seqs, both ends included, none missing
  last        INTEGER NOT NULL CHECK (last >= first),
  records     BLOB NOT NULL,
  FOREIGN KEY (operator_id, agent_id, journal_id) REFERENCES journal(operator_id, agent_id, id)
);
CREATE INDEX landed_journal ON landed(operator_id, agent_id, journal_id, id);

ALTER TABLE agent_state ADD COLUMN config_body TEXT NOT NULL DEFAULT ''; -- snapshot of version config, without its version

CREATE INDEX record_of ON record(operator_id, agent_id, journal_id, of_seq) WHERE of_seq > 0;

ALTER TABLE quarantine ADD COLUMN hash BLOB NOT NULL DEFAULT x'';        -- SHA-256 of the record, or of raw where none could be read: a repetition is not kept twice
CREATE INDEX quarantine_hash ON quarantine(operator_id, agent_id, hash);
CREATE INDEX quarantine_open ON quarantine(operator_id, id) WHERE resolved_at IS NULL;

-- +goose Down
SELECT 1;
