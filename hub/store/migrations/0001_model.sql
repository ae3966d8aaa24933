-- +goose Up
-- The hub's data model. Times are Unix milliseconds UTC; money is kopecks;
-- dated rows hold from valid_from until the next row of the same subject.
-- Ids are made by the hub (sortable text); rowids order what is fed live.
-- Checks of busy tables are written with OR: for IN with more than two values
-- every insert would build a list in a temporary table.

CREATE TABLE operator (
  id         TEXT PRIMARY KEY,                 -- as in MQTT topics: [a-z0-9-]{1,40}
  name       TEXT NOT NULL,
  c_policy   TEXT NOT NULL DEFAULT 'hold' CHECK (c_policy IN ('hold','job')), -- class C sales
  created_at INTEGER NOT NULL
);

CREATE TABLE api_token (
  hash        TEXT PRIMARY KEY,                -- SHA-256 of the token, hex
  operator_id TEXT REFERENCES operator(id),    -- NULL: the installation's own token, may make operators
  name        TEXT NOT NULL,
  created_at  INTEGER NOT NULL,
  revoked_at  INTEGER
);

CREATE TABLE seller (
  id          TEXT PRIMARY KEY,
  operator_id TEXT NOT NULL REFERENCES operator(id),
  name        TEXT NOT NULL,
  inn         TEXT NOT NULL,
  created_at  INTEGER NOT NULL,
  UNIQUE (operator_id, inn)
);
CREATE TABLE seller_tax (                      -- dated tax profile
  seller_id   TEXT NOT NULL REFERENCES seller(id),
  valid_from  INTEGER NOT NULL,
  tax_system  INTEGER NOT NULL,                -- one bit of tag 1055
  vat         TEXT NOT NULL,                   -- default rate by name: standard, 10, 5, 7, 0, none
  PRIMARY KEY (seller_id, valid_from)
);

CREATE TABLE machine (
  id          TEXT PRIMARY KEY,
  operator_id TEXT NOT NULL REFERENCES operator(id),
  created_at  INTEGER NOT NULL
);
CREATE TABLE machine_period (                  -- who and where the machine is, dated
  machine_id  TEXT NOT NULL REFERENCES machine(id),
  valid_from  INTEGER NOT NULL,
  seller_id   TEXT NOT NULL REFERENCES seller(id),
  serial      TEXT NOT NULL CHECK (length(serial) BETWEEN 1 AND 20), -- tag 1036, byte for byte
  address     TEXT NOT NULL,                   -- tag 1009
  place       TEXT NOT NULL,                   -- tag 1187
  zone        TEXT NOT NULL,                   -- IANA
  PRIMARY KEY (machine_id, valid_from)
);
CREATE TABLE machine_rule (                    -- what a machine does when it can't be fiscalized
  machine_id   TEXT PRIMARY KEY REFERENCES machine(id),
  stop_after_m INTEGER NOT NULL DEFAULT 0,     -- minutes of silence; 0 never
  need_display INTEGER NOT NULL DEFAULT 0,
  show_sec     INTEGER NOT NULL DEFAULT 60,
  currency     TEXT NOT NULL DEFAULT '',       -- ISO numeric assumed when the bus does not say
  lang         TEXT NOT NULL DEFAULT 'ru'
);
CREATE TABLE fiscalizer (                      -- who fiscalizes, per machine and payment source, dated
  machine_id  TEXT NOT NULL REFERENCES machine(id),
  source      TEXT NOT NULL CHECK (source IN ('cash','reader1','reader2')),
  valid_from  INTEGER NOT NULL,
  who         TEXT NOT NULL CHECK (who IN ('us','terminal','not_subject')),
  reason      TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (machine_id, source, valid_from)
);
CREATE TABLE plan_column (                     -- the catalogue: what a column means, dated
  machine_id  TEXT NOT NULL REFERENCES machine(id),
  col         INTEGER NOT NULL,                -- raw column number of the bus; -1 is the row for sales whose column is unknown
  valid_from  INTEGER NOT NULL,
  name        TEXT NOT NULL,                   -- tag 1030; '' takes the column away
  price       INTEGER NOT NULL,                -- kopecks
  vat         TEXT NOT NULL DEFAULT '',        -- '' seller's default
  subject     INTEGER NOT NULL DEFAULT 1,      -- tag 1212
  gtin        TEXT NOT NULL DEFAULT '',
  flags       TEXT NOT NULL DEFAULT '',        -- legal flags, comma separated: excise, marked, technical, forbidden
  PRIMARY KEY (machine_id, col, valid_from)
);

CREATE TABLE agent (
  id          TEXT NOT NULL,
  operator_id TEXT NOT NULL REFERENCES operator(id),
  secret_hash TEXT NOT NULL,
  created_at  INTEGER NOT NULL,
  revoked_at  INTEGER,
  PRIMARY KEY (operator_id, id)
);
CREATE TABLE binding (                         -- which machine an agent sits in, dated
  operator_id TEXT NOT NULL,
  agent_id    TEXT NOT NULL,
  machine_id  TEXT REFERENCES machine(id),     -- NULL: taken out
  valid_from  INTEGER NOT NULL,
  PRIMARY KEY (operator_id, agent_id, valid_from),
  FOREIGN KEY (operator_id, agent_id) REFERENCES agent(operator_id, id)
);
CREATE TABLE agent_state (                     -- last words of an agent; not history
  operator_id TEXT NOT NULL,
  agent_id    TEXT NOT NULL,
  session     TEXT NOT NULL DEFAULT '',
  online      INTEGER NOT NULL DEFAULT 0,
  seen_at     INTEGER NOT NULL DEFAULT 0,
  hello       TEXT NOT NULL DEFAULT '{}',      -- wire.Hello
  state       TEXT NOT NULL DEFAULT '{}',      -- wire.State
  config      INTEGER NOT NULL DEFAULT 0,      -- newest catalogue version made for it
  PRIMARY KEY (operator_id, agent_id)
);
CREATE TABLE journal (                         -- one file of one agent
  operator_id TEXT NOT NULL,
  agent_id    TEXT NOT NULL,
  id          TEXT NOT NULL,
  machine_id  TEXT REFERENCES machine(id),     -- the binding when it was first seen; it drains there
  upto        INTEGER NOT NULL DEFAULT 0,      -- all seqs up to here are stored or refused
  head        INTEGER NOT NULL DEFAULT 0,      -- highest seq stored, refused, or declared by hello
  first_at    INTEGER NOT NULL,
  last_at     INTEGER NOT NULL,
  PRIMARY KEY (operator_id, agent_id, id)
);
CREATE TABLE record (                          -- never deleted: ids grow without AUTOINCREMENT's bookkeeping
  id          INTEGER PRIMARY KEY,             -- order of arrival: the live feed's cursor
  operator_id TEXT NOT NULL,
  agent_id    TEXT NOT NULL,
  journal_id  TEXT NOT NULL,
  seq         INTEGER NOT NULL CHECK (seq > 0),
  machine_id  TEXT REFERENCES machine(id),
  kind        TEXT NOT NULL,
  class       TEXT NOT NULL DEFAULT '',
  amount      INTEGER NOT NULL DEFAULT 0,      -- kopecks of a sale
  col         INTEGER NOT NULL DEFAULT -1,
  source      TEXT NOT NULL DEFAULT '',        -- source of the first part
  of_seq      INTEGER NOT NULL DEFAULT 0,
  at          INTEGER NOT NULL,                -- when it happened: hub's clock minus the age
  received_at INTEGER NOT NULL,
  hash        BLOB NOT NULL,                   -- SHA-256 of body
  body        BLOB NOT NULL,                   -- the record, byte for byte
  fate        TEXT NOT NULL,                   -- 'job', 'held', 'none' or 'note': see store.Fate
  reason      TEXT NOT NULL DEFAULT '',        -- why held or none, stable code
  UNIQUE (operator_id, agent_id, journal_id, seq),
  FOREIGN KEY (operator_id, agent_id, journal_id) REFERENCES journal(operator_id, agent_id, id)
);
CREATE INDEX record_machine_at ON record(machine_id, at);
CREATE INDEX record_operator ON record(operator_id, id);
CREATE INDEX record_held ON record(operator_id, fate) WHERE fate = 'held';
CREATE TABLE quarantine (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  operator_id TEXT NOT NULL,
  agent_id    TEXT NOT NULL,
  topic       TEXT NOT NULL,
  journal_id  TEXT NOT NULL DEFAULT '',
  seq         INTEGER NOT NULL DEFAULT 0,      -- 0: could not be read
  reason      TEXT NOT NULL,
  detail      TEXT NOT NULL,
  raw         BLOB NOT NULL,
  received_at INTEGER NOT NULL,
  resolved_at INTEGER,                         -- taken in again, or put aside by a person
  resolution  TEXT NOT NULL DEFAULT ''
);
CREATE INDEX quarantine_seq ON quarantine(operator_id, agent_id, journal_id, seq);

CREATE TABLE lane (                            -- one place receipts of one seller can be made
  id          TEXT PRIMARY KEY,
  operator_id TEXT NOT NULL REFERENCES operator(id),
  seller_id   TEXT NOT NULL REFERENCES seller(id),
  name        TEXT NOT NULL,
  url         TEXT NOT NULL,                   -- driver's URL, without secrets
  ffd         TEXT NOT NULL CHECK (ffd IN ('1.05','1.1','1.2')),
  tax_systems INTEGER NOT NULL,                -- bits of tag 1062
  zone        TEXT NOT NULL,                   -- IANA zone of the register's clock
  test        INTEGER NOT NULL DEFAULT 0,      -- a test FN (9999…) is expected
  enabled     INTEGER NOT NULL DEFAULT 1,
  created_at  INTEGER NOT NULL
);
CREATE TABLE lane_state (                      -- how a lane does now; not history
  lane_id     TEXT PRIMARY KEY REFERENCES lane(id),
  state       TEXT NOT NULL DEFAULT 'starting',-- till's lane states
  fault       TEXT NOT NULL DEFAULT '',        -- stable code of the fault it stands on
  detail      TEXT NOT NULL DEFAULT '',
  since       INTEGER NOT NULL DEFAULT 0,
  holder      TEXT NOT NULL DEFAULT '',        -- lease: which hub
  fence       INTEGER NOT NULL DEFAULT 0,      -- lease: grows with each takeover
  lease_until INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE unit (                            -- a register behind a lane
  id          TEXT PRIMARY KEY,
  lane_id     TEXT NOT NULL REFERENCES lane(id),
  serial      TEXT NOT NULL,                   -- заводской номер ККТ, tag 1013
  model       TEXT NOT NULL DEFAULT '',
  status      TEXT NOT NULL DEFAULT '{}',      -- kkt.Unit as last polled
  polled_at   INTEGER NOT NULL DEFAULT 0,
  UNIQUE (lane_id, serial)
);
CREATE TABLE fn_period (                       -- an FN in a unit
  id          TEXT PRIMARY KEY,
  unit_id     TEXT NOT NULL REFERENCES unit(id),
  fn          TEXT NOT NULL,                   -- tag 1041
  rnm         TEXT NOT NULL,                   -- tag 1037
  inn         TEXT NOT NULL,                   -- tag 1018
  ffd         TEXT NOT NULL,
  seen_from   INTEGER NOT NULL,
  seen_to     INTEGER NOT NULL,
  last_fd     INTEGER NOT NULL DEFAULT 0,      -- newest document known to be ours or recorded as foreign
  UNIQUE (unit_id, fn)
);

CREATE TABLE job (                             -- one document to be made
  id          TEXT PRIMARY KEY,
  operator_id TEXT NOT NULL REFERENCES operator(id),
  origin_kind TEXT NOT NULL CHECK (origin_kind='record' OR origin_kind='operator' OR origin_kind='audit' OR origin_kind='lane'),
  origin_id   TEXT NOT NULL,                   -- record: agent/journal/seq
  purpose     TEXT NOT NULL CHECK (purpose='receipt' OR purpose='refund' OR purpose='correction' OR purpose='shift_open' OR purpose='shift_close'),
  ordinal     INTEGER NOT NULL DEFAULT 0,
  seller_id   TEXT NOT NULL REFERENCES seller(id),
  machine_id  TEXT REFERENCES machine(id),
  agent_id    TEXT NOT NULL DEFAULT '',
  journal_id  TEXT NOT NULL DEFAULT '',
  seq         INTEGER NOT NULL DEFAULT 0,
  record_id   INTEGER REFERENCES record(id),
  lane_id     TEXT REFERENCES lane(id),        -- bound to it until proven not printed
  state       TEXT NOT NULL CHECK (state='queued' OR state='in_flight' OR state='resolving' OR state='done' OR state='held' OR state='void'),
  reason      TEXT NOT NULL DEFAULT '',        -- why it waits or is held, stable code
  next_at     INTEGER NOT NULL DEFAULT 0,      -- not before
  sold_at     INTEGER NOT NULL,                -- time of the sale
  young_till  INTEGER NOT NULL,                -- the buyer is thought to be at the machine until then
  key         TEXT NOT NULL UNIQUE,            -- kkt.Key without attempt suffix
  attempts    INTEGER NOT NULL DEFAULT 0,
  amount      INTEGER NOT NULL,
  document    TEXT NOT NULL,                   -- fiscal.Document, frozen
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL,
  UNIQUE (origin_kind, origin_id, purpose, ordinal)
);
CREATE INDEX job_held ON job(operator_id, updated_at) WHERE state = 'held';
CREATE INDEX job_record ON job(record_id);
CREATE TABLE job_history (                     -- each change of a job, append only, never deleted
  id      INTEGER PRIMARY KEY,
  job_id  TEXT NOT NULL REFERENCES job(id),
  at      INTEGER NOT NULL,
  state   TEXT NOT NULL,
  reason  TEXT NOT NULL DEFAULT '',
  detail  TEXT NOT NULL DEFAULT '',
  actor   TEXT NOT NULL DEFAULT 'till'         -- till, ingest, or a person's token name
);
CREATE INDEX job_history_job ON job_history(job_id, id);
CREATE TABLE attempt (                         -- one try on one lane, stored before anything is sent
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  job_id      TEXT NOT NULL REFERENCES job(id),
  number      INTEGER NOT NULL,                -- 1, 2…: the key's suffix
  lane_id     TEXT NOT NULL REFERENCES lane(id),
  unit        TEXT NOT NULL DEFAULT '',        -- serial work is per unit; '' while a lane is one register
  fence       INTEGER NOT NULL DEFAULT 0,
  fn          TEXT NOT NULL,                   -- of the baseline
  baseline_fd INTEGER NOT NULL,
  baseline    TEXT NOT NULL,                   -- kkt.Baseline
  key         TEXT NOT NULL,
  wire        BLOB NOT NULL,                   -- kkt.Wire: the exact bytes
  state       TEXT NOT NULL CHECK (state='intent' OR state='sent' OR state='resolving' OR state='done' OR state='not_printed'),
  outcome     TEXT NOT NULL DEFAULT '',        -- kkt outcome kind and fault
  ref         TEXT NOT NULL DEFAULT '',
  started_at  INTEGER NOT NULL,
  ended_at    INTEGER,
  UNIQUE (job_id, number)
);
CREATE UNIQUE INDEX attempt_open ON attempt(lane_id, unit) WHERE state IN ('intent','sent','resolving');

CREATE TABLE receipt (                         -- never updated, never deleted
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  job_id      TEXT NOT NULL UNIQUE REFERENCES job(id),
  attempt_id  INTEGER NOT NULL REFERENCES attempt(id),
  operator_id TEXT NOT NULL,
  seller_id   TEXT NOT NULL,
  machine_id  TEXT,
  lane_id     TEXT NOT NULL,
  fn          TEXT NOT NULL,                   -- 1041
  fd          INTEGER NOT NULL,                -- 1040
  fp          INTEGER NOT NULL,                -- 1077
  at          TEXT NOT NULL,                   -- 1012: register's wall clock, YYYY-MM-DDTHH:MM:SS
  shift       INTEGER NOT NULL,                -- 1038
  number      INTEGER NOT NULL,                -- 1042
  rnm         TEXT NOT NULL,                   -- 1037
  operation   INTEGER NOT NULL,                -- 1054; 0 for shift reports
  amount      INTEGER NOT NULL,                -- 1020
  qr          TEXT NOT NULL,                   -- 1196; '' for shift reports
  test        INTEGER NOT NULL,
  tlv         BLOB,                            -- the document as read back, where it was
  made_at     INTEGER NOT NULL,                -- hub's clock
  UNIQUE (fn, fd)
);
CREATE INDEX receipt_machine ON receipt(machine_id, made_at);
CREATE INDEX receipt_operator ON receipt(operator_id, id);
CREATE TABLE foreign_document (                -- documents of our FN that no job of ours made
  fn          TEXT NOT NULL,
  fd          INTEGER NOT NULL,
  lane_id     TEXT NOT NULL REFERENCES lane(id),
  kind        INTEGER NOT NULL,                -- FFD document code
  amount      INTEGER NOT NULL,
  at          TEXT NOT NULL,
  key         TEXT NOT NULL DEFAULT '',
  tlv         BLOB,
  found_at    INTEGER NOT NULL,
  PRIMARY KEY (fn, fd)
);
CREATE TABLE shown (                           -- when a receipt stood on the machine's panel
  job_id   TEXT PRIMARY KEY REFERENCES job(id),
  result   TEXT NOT NULL,
  after_ms INTEGER NOT NULL,
  told_at  INTEGER NOT NULL
);

CREATE TABLE incident (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  operator_id TEXT,                            -- NULL: of the installation
  subject     TEXT NOT NULL,                   -- "machine:…", "agent:…", "lane:…", "hub"
  code        TEXT NOT NULL,                   -- stable, snake_case; texts are in the catalogue
  severity    TEXT NOT NULL CHECK (severity IN ('info','warn','alarm')),
  detail      TEXT NOT NULL DEFAULT '',
  opened_at   INTEGER NOT NULL,
  last_at     INTEGER NOT NULL,
  count       INTEGER NOT NULL DEFAULT 1,
  closed_at   INTEGER
);
CREATE UNIQUE INDEX incident_open ON incident(subject, code) WHERE closed_at IS NULL;

-- +goose Down
-- A hub's database is never taken back: restore the backup made before the upgrade.
SELECT 1;
