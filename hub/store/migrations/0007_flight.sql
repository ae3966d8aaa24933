-- +goose Up
-- Traces of machines' flight recorders, and what was asked of them.

CREATE TABLE flight (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  operator_id TEXT NOT NULL,
  agent_id    TEXT NOT NULL,
  machine_id  TEXT REFERENCES machine(id),     -- as the agent was bound when it was written; NULL: to none
  name        TEXT NOT NULL,                   -- of the agent's file
  wall        INTEGER NOT NULL,                -- agent's clock when it was written, ms
  received_at INTEGER NOT NULL,
  bytes       INTEGER NOT NULL,                -- of the text
  body        BLOB NOT NULL,                   -- the text of a *.trace, gzipped
  UNIQUE (operator_id, agent_id, name),
  FOREIGN KEY (operator_id, agent_id) REFERENCES agent(operator_id, id)
);
CREATE INDEX flight_machine ON flight(machine_id, id);

CREATE TABLE flight_request (                  -- a command for an agent
  id          TEXT PRIMARY KEY,                -- of the command
  operator_id TEXT NOT NULL,
  agent_id    TEXT NOT NULL,
  machine_id  TEXT NOT NULL REFERENCES machine(id),
  args        TEXT NOT NULL,                   -- wire.TraceArgs
  actor       TEXT NOT NULL,
  asked_at    INTEGER NOT NULL,
  expires_at  INTEGER NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('asked','done','failed')), -- asked beyond expires_at: nobody answered
  detail      TEXT NOT NULL DEFAULT '',        -- what the agent said
  done_at     INTEGER,
  FOREIGN KEY (operator_id, agent_id) REFERENCES agent(operator_id, id)
) WITHOUT ROWID;
CREATE INDEX flight_request_open ON flight_request(operator_id, agent_id) WHERE state='asked';
CREATE INDEX flight_request_machine ON flight_request(machine_id, asked_at);

-- +goose Down
SELECT 1;
