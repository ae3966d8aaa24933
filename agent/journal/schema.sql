-- One file of one agent. PRAGMA user_version tells the version of this schema.

CREATE TABLE epoch (                 -- journals of this file: the last is written, older ones drain
  n       INTEGER PRIMARY KEY AUTOINCREMENT,
  id      TEXT    NOT NULL UNIQUE,   -- random; (agent, id, seq) names a record for ever
  made_at INTEGER NOT NULL,          -- Unix ms
  why     TEXT    NOT NULL,          -- new, journal_corrupt, journal_restored, journal_conflict, machine_changed, asked
  head    INTEGER NOT NULL DEFAULT 0 -- last seq given out; outlives the records
);
CREATE TABLE record (
  epoch      INTEGER NOT NULL REFERENCES epoch(n),
  seq        INTEGER NOT NULL CHECK (seq > 0),
  kind       TEXT    NOT NULL,
  wall       INTEGER NOT NULL,       -- Unix ms
  synced     INTEGER NOT NULL,
  boot       TEXT    NOT NULL,
  mono       INTEGER NOT NULL,       -- ms since that boot
  bus_us     INTEGER NOT NULL,       -- of a sale: time of the deciding word
  body       BLOB    NOT NULL,       -- wire.Record as it is sent, byte for byte
  settled_at INTEGER NOT NULL DEFAULT 0,  -- Unix ms when the hub's word on it came; 0 still to be delivered
  refused    TEXT    NOT NULL DEFAULT '', -- settled by refusal: the hub keeps it in quarantine
  fiscal     TEXT    NOT NULL DEFAULT '', -- last fiscal state told: pending, held, done, none
  PRIMARY KEY (epoch, seq)
) WITHOUT ROWID;
CREATE INDEX record_open ON record(epoch, seq) WHERE settled_at = 0;
CREATE INDEX record_waiting ON record(epoch, seq) WHERE kind = 'sale' AND fiscal NOT IN ('done', 'none');

CREATE TABLE receipt (               -- what the hub told of a sale, newest word only
  epoch INTEGER NOT NULL,
  seq   INTEGER NOT NULL,
  body  BLOB    NOT NULL,            -- wire.Receipt
  at    INTEGER NOT NULL,
  PRIMARY KEY (epoch, seq)
) WITHOUT ROWID;
CREATE TABLE shown (                 -- when a receipt stood on the panel, or why it did not
  epoch    INTEGER NOT NULL,
  seq      INTEGER NOT NULL,
  result   TEXT    NOT NULL,
  after_ms INTEGER NOT NULL,
  at       INTEGER NOT NULL,
  told     INTEGER NOT NULL DEFAULT 0, -- 1: was in a State the broker took
  PRIMARY KEY (epoch, seq)
) WITHOUT ROWID;
CREATE INDEX shown_untold ON shown(epoch, seq) WHERE told = 0;

CREATE TABLE mark (                  -- where listening stands; one row, written with the records it caused
  one        INTEGER PRIMARY KEY CHECK (one = 1),
  checkpoint BLOB    NOT NULL,
  boot       INTEGER NOT NULL,       -- module.Cursor
  seq        INTEGER NOT NULL,
  heard_at   INTEGER NOT NULL        -- Unix ms: everything up to here was heard
);
CREATE TABLE boot (                  -- wall time at the start of a boot, learnt once its clock was set
  id     TEXT PRIMARY KEY,
  offset INTEGER NOT NULL            -- Unix ms at mono 0
) WITHOUT ROWID;
CREATE TABLE kept (                  -- small named values: the catalogue's snapshot
  name TEXT PRIMARY KEY,
  body BLOB NOT NULL
) WITHOUT ROWID;
