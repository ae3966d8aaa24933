-- +goose Up
-- Several hubs on one PostgreSQL database. On SQLite there is one hub and these
-- tell nothing.

CREATE TABLE fact_version (                    -- one row: grows with each write that may change dated facts, which hubs keep in memory
  version INTEGER NOT NULL
);
INSERT INTO fact_version VALUES (0);

CREATE TABLE hub (                             -- hubs that serve, by their names
  name    TEXT PRIMARY KEY,
  seen_at INTEGER NOT NULL                     -- agents of one not seen for long are offline
);

CREATE TABLE writer (                          -- the newest commit of each opening of the database: what became of one whose answer was lost
  id TEXT PRIMARY KEY,                         -- of the opening
  n  INTEGER NOT NULL,                         -- its transactions, 1, 2…
  at INTEGER NOT NULL                          -- server's clock; rows of openings that ended are deleted after a day
);

ALTER TABLE agent_state ADD COLUMN hub TEXT NOT NULL DEFAULT '';         -- where its connection is, or was last
ALTER TABLE agent_state ADD COLUMN secret_hash TEXT NOT NULL DEFAULT ''; -- agent.secret_hash when it said hello

-- Which hub wrote an entry: the others tell their agents of it.
-- +store sqlite
ALTER TABLE job_history ADD COLUMN hub TEXT NOT NULL DEFAULT '';
-- +store postgres
ALTER TABLE job_history ADD COLUMN hub TEXT COLLATE "C" NOT NULL DEFAULT current_setting('application_name');
-- +store both

-- +goose Down
SELECT 1;
