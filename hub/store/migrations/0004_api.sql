-- +goose Up
-- What the API shows must not be counted anew each time: running counts and
-- takings are kept in the transaction that changes them, so they are always
-- exact. New records and jobs are counted by package store once a batch (see
-- tally.go); what changes later is counted by triggers. A trigger may run
-- before its batch is counted, so each of them adds to a row that may not be
-- there yet.

ALTER TABLE operator ADD COLUMN zone TEXT NOT NULL DEFAULT 'Europe/Moscow'; -- IANA: days of summaries begin at its midnight

CREATE TABLE tally (                           -- how many there are, since the beginning
  operator_id TEXT NOT NULL,
  what        TEXT NOT NULL,                   -- record, sale, held, receipt, job:STATE
  n           INTEGER NOT NULL,
  PRIMARY KEY (operator_id, what)
) WITHOUT ROWID;

CREATE TABLE takings (                         -- money by quarter of an hour: midnight of every zone falls on one
  operator_id TEXT NOT NULL,
  quarter     INTEGER NOT NULL,                -- ms UTC / 900000
  machine_id  TEXT NOT NULL,                   -- '' unbound
  sales       INTEGER NOT NULL DEFAULT 0,      -- by when they happened
  amount      INTEGER NOT NULL DEFAULT 0,
  cash        INTEGER NOT NULL DEFAULT 0,      -- part of amount whose first payment was cash
  reversals   INTEGER NOT NULL DEFAULT 0,
  reversed    INTEGER NOT NULL DEFAULT 0,
  receipts    INTEGER NOT NULL DEFAULT 0,      -- by when they were made
  receipted   INTEGER NOT NULL DEFAULT 0,
  refunds     INTEGER NOT NULL DEFAULT 0,
  refunded    INTEGER NOT NULL DEFAULT 0,
  last_sale   INTEGER NOT NULL DEFAULT 0,      -- ms
  PRIMARY KEY (operator_id, quarter, machine_id)
) WITHOUT ROWID;
CREATE INDEX takings_machine ON takings(machine_id, quarter);

INSERT INTO tally SELECT operator_id, 'record', count(*) FROM record GROUP BY 1;
INSERT INTO tally SELECT operator_id, 'sale', count(*) FROM record WHERE kind = 'sale' GROUP BY 1;
INSERT INTO tally SELECT operator_id, 'held', count(*) FROM record WHERE fate = 'held' GROUP BY 1;
INSERT INTO tally SELECT operator_id, 'receipt', count(*) FROM receipt WHERE operation > 0 GROUP BY 1;
INSERT INTO tally SELECT operator_id, 'job:' || state, count(*) FROM job GROUP BY 1, 2;
INSERT INTO takings (operator_id, quarter, machine_id, sales, amount, cash, reversals, reversed, last_sale)
  SELECT operator_id, at / 900000, ifnull(machine_id, ''),
    sum(kind = 'sale'), sum(iif(kind = 'sale', amount, 0)), sum(iif(kind = 'sale' AND source = 'cash', amount, 0)),
    sum(kind = 'reversal'), sum(iif(kind = 'reversal', amount, 0)), max(iif(kind = 'sale', at, 0))
  FROM record WHERE kind IN ('sale', 'reversal') GROUP BY 1, 2, 3;
INSERT INTO takings (operator_id, quarter, machine_id, receipts, receipted, refunds, refunded)
  SELECT operator_id, made_at / 900000, ifnull(machine_id, ''),
    sum(operation = 1), sum(iif(operation = 1, amount, 0)), sum(operation = 2), sum(iif(operation = 2, amount, 0))
  FROM receipt WHERE operation IN (1, 2) GROUP BY 1, 2, 3
  ON CONFLICT DO UPDATE SET receipts = excluded.receipts, receipted = excluded.receipted, refunds = excluded.refunds, refunded = excluded.refunded;

-- +goose StatementBegin
CREATE TRIGGER record_decided AFTER UPDATE OF fate ON record WHEN (old.fate = 'held') <> (new.fate = 'held') BEGIN
  INSERT INTO tally VALUES (new.operator_id, 'held', (new.fate = 'held') - (old.fate = 'held')) ON CONFLICT DO UPDATE SET n = n + excluded.n;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER record_mended AFTER UPDATE OF machine_id, kind, amount, source, at ON record
  WHEN old.machine_id IS NOT new.machine_id OR old.kind <> new.kind OR old.amount <> new.amount OR old.source <> new.source OR old.at <> new.at BEGIN
  INSERT INTO tally VALUES (new.operator_id, 'sale', (new.kind = 'sale') - (old.kind = 'sale')) ON CONFLICT DO UPDATE SET n = n + excluded.n;
  INSERT INTO takings (operator_id, quarter, machine_id, sales, amount, cash, reversals, reversed)
    SELECT old.operator_id, old.at / 900000, ifnull(old.machine_id, ''),
      -(old.kind = 'sale'), -iif(old.kind = 'sale', old.amount, 0), -iif(old.kind = 'sale' AND old.source = 'cash', old.amount, 0),
      -(old.kind = 'reversal'), -iif(old.kind = 'reversal', old.amount, 0)
    WHERE old.kind IN ('sale', 'reversal')
    ON CONFLICT DO UPDATE SET sales = sales + excluded.sales, amount = amount + excluded.amount, cash = cash + excluded.cash,
      reversals = reversals + excluded.reversals, reversed = reversed + excluded.reversed;
  INSERT INTO takings (operator_id, quarter, machine_id, sales, amount, cash, reversals, reversed, last_sale)
    SELECT new.operator_id, new.at / 900000, ifnull(new.machine_id, ''),
      new.kind = 'sale', iif(new.kind = 'sale', new.amount, 0), iif(new.kind = 'sale' AND new.source = 'cash', new.amount, 0),
      new.kind = 'reversal', iif(new.kind = 'reversal', new.amount, 0), iif(new.kind = 'sale', new.at, 0)
    WHERE new.kind IN ('sale', 'reversal')
    ON CONFLICT DO UPDATE SET sales = sales + excluded.sales, amount = amount + excluded.amount, cash = cash + excluded.cash,
      reversals = reversals + excluded.reversals, reversed = reversed + excluded.reversed, last_sale = max(last_sale, excluded.last_sale);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER receipt_counted AFTER INSERT ON receipt WHEN new.operation > 0 BEGIN
  INSERT INTO tally VALUES (new.operator_id, 'receipt', 1) ON CONFLICT DO UPDATE SET n = n + 1;
  INSERT INTO takings (operator_id, quarter, machine_id, receipts, receipted, refunds, refunded)
    SELECT new.operator_id, new.made_at / 900000, ifnull(new.machine_id, ''),
      new.operation = 1, iif(new.operation = 1, new.amount, 0), new.operation = 2, iif(new.operation = 2, new.amount, 0)
    WHERE new.operation IN (1, 2)
    ON CONFLICT DO UPDATE SET receipts = receipts + excluded.receipts, receipted = receipted + excluded.receipted,
      refunds = refunds + excluded.refunds, refunded = refunded + excluded.refunded;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER job_moved AFTER UPDATE OF state ON job WHEN old.state <> new.state BEGIN
  INSERT INTO tally VALUES (old.operator_id, 'job:' || old.state, -1), (new.operator_id, 'job:' || new.state, 1) ON CONFLICT DO UPDATE SET n = n + excluded.n;
END;
-- +goose StatementEnd

CREATE INDEX record_machine_held ON record(machine_id) WHERE fate = 'held';
CREATE INDEX job_machine_open ON job(machine_id) WHERE state <> 'done' AND state <> 'void';
CREATE INDEX job_operator_open ON job(operator_id, state, id) WHERE state <> 'done';
CREATE INDEX receipt_machine_day ON receipt(machine_id, at);   -- day: the date printed on the receipt
CREATE INDEX receipt_sum_day ON receipt(operator_id, amount, at);
CREATE INDEX receipt_day ON receipt(operator_id, at);
CREATE INDEX incident_operator ON incident(operator_id, id);
CREATE INDEX incident_operator_open ON incident(operator_id, id) WHERE closed_at IS NULL;
CREATE INDEX incident_subject ON incident(subject, id);
CREATE INDEX quarantine_operator ON quarantine(operator_id, id);
CREATE INDEX machine_operator ON machine(operator_id, id);
CREATE INDEX machine_period_serial ON machine_period(serial);
CREATE INDEX binding_machine ON binding(machine_id, valid_from);
CREATE INDEX lane_operator ON lane(operator_id, id);
CREATE INDEX foreign_document_lane ON foreign_document(lane_id) WHERE job_id IS NULL;
CREATE INDEX record_operator_at ON record(operator_id, at);
CREATE INDEX shown_told ON shown(told_at);
CREATE INDEX record_feed ON record(operator_id, machine_id, id);

CREATE TABLE probe (id INTEGER PRIMARY KEY, at INTEGER NOT NULL); -- written by /health to learn whether the disk still takes commits

-- +goose Down
SELECT 1;
