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
  SELECT operator_id, at / 900000, coalesce(machine_id, ''),
    sum(CASE WHEN kind = 'sale' THEN 1 ELSE 0 END), sum(CASE WHEN kind = 'sale' THEN amount ELSE 0 END),
    sum(CASE WHEN kind = 'sale' AND source = 'cash' THEN amount ELSE 0 END),
    sum(CASE WHEN kind = 'reversal' THEN 1 ELSE 0 END), sum(CASE WHEN kind = 'reversal' THEN amount ELSE 0 END),
    max(CASE WHEN kind = 'sale' THEN at ELSE 0 END)
  FROM record WHERE kind IN ('sale', 'reversal') GROUP BY 1, 2, 3;
INSERT INTO takings (operator_id, quarter, machine_id, receipts, receipted, refunds, refunded)
  SELECT operator_id, made_at / 900000, coalesce(machine_id, ''),
    sum(CASE WHEN operation = 1 THEN 1 ELSE 0 END), sum(CASE WHEN operation = 1 THEN amount ELSE 0 END),
    sum(CASE WHEN operation = 2 THEN 1 ELSE 0 END), sum(CASE WHEN operation = 2 THEN amount ELSE 0 END)
  FROM receipt WHERE operation IN (1, 2) GROUP BY 1, 2, 3
  ON CONFLICT (operator_id, quarter, machine_id)
  DO UPDATE SET receipts = excluded.receipts, receipted = excluded.receipted, refunds = excluded.refunds, refunded = excluded.refunded;

-- +store sqlite
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
-- +store postgres
-- +goose StatementBegin
CREATE FUNCTION record_decided() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO tally AS t VALUES (new.operator_id, 'held', (new.fate = 'held')::int - (old.fate = 'held')::int)
    ON CONFLICT (operator_id, what) DO UPDATE SET n = t.n + excluded.n;
  RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER record_decided AFTER UPDATE OF fate ON record
  FOR EACH ROW WHEN ((old.fate = 'held') <> (new.fate = 'held')) EXECUTE FUNCTION record_decided();
-- +goose StatementBegin
CREATE FUNCTION record_mended() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO tally AS t VALUES (new.operator_id, 'sale', (new.kind = 'sale')::int - (old.kind = 'sale')::int)
    ON CONFLICT (operator_id, what) DO UPDATE SET n = t.n + excluded.n;
  INSERT INTO takings AS t (operator_id, quarter, machine_id, sales, amount, cash, reversals, reversed)
    SELECT old.operator_id, old.at / 900000, coalesce(old.machine_id, ''),
      -(old.kind = 'sale')::int, CASE WHEN old.kind = 'sale' THEN -old.amount ELSE 0 END,
      CASE WHEN old.kind = 'sale' AND old.source = 'cash' THEN -old.amount ELSE 0 END,
      -(old.kind = 'reversal')::int, CASE WHEN old.kind = 'reversal' THEN -old.amount ELSE 0 END
    WHERE old.kind IN ('sale', 'reversal')
    ON CONFLICT (operator_id, quarter, machine_id) DO UPDATE SET sales = t.sales + excluded.sales, amount = t.amount + excluded.amount,
      cash = t.cash + excluded.cash, reversals = t.reversals + excluded.reversals, reversed = t.reversed + excluded.reversed;
  INSERT INTO takings AS t (operator_id, quarter, machine_id, sales, amount, cash, reversals, reversed, last_sale)
    SELECT new.operator_id, new.at / 900000, coalesce(new.machine_id, ''),
      (new.kind = 'sale')::int, CASE WHEN new.kind = 'sale' THEN new.amount ELSE 0 END,
      CASE WHEN new.kind = 'sale' AND new.source = 'cash' THEN new.amount ELSE 0 END,
      (new.kind = 'reversal')::int, CASE WHEN new.kind = 'reversal' THEN new.amount ELSE 0 END,
      CASE WHEN new.kind = 'sale' THEN new.at ELSE 0 END
    WHERE new.kind IN ('sale', 'reversal')
    ON CONFLICT (operator_id, quarter, machine_id) DO UPDATE SET sales = t.sales + excluded.sales, amount = t.amount + excluded.amount,
      cash = t.cash + excluded.cash, reversals = t.reversals + excluded.reversals, reversed = t.reversed + excluded.reversed,
      last_sale = greatest(t.last_sale, excluded.last_sale);
  RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER record_mended AFTER UPDATE OF machine_id, kind, amount, source, at ON record FOR EACH ROW
  WHEN (old.machine_id IS DISTINCT FROM new.machine_id OR old.kind <> new.kind OR old.amount <> new.amount OR old.source <> new.source OR old.at <> new.at)
  EXECUTE FUNCTION record_mended();
-- +goose StatementBegin
CREATE FUNCTION receipt_counted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO tally AS t VALUES (new.operator_id, 'receipt', 1) ON CONFLICT (operator_id, what) DO UPDATE SET n = t.n + 1;
  INSERT INTO takings AS t (operator_id, quarter, machine_id, receipts, receipted, refunds, refunded)
    SELECT new.operator_id, new.made_at / 900000, coalesce(new.machine_id, ''),
      (new.operation = 1)::int, CASE WHEN new.operation = 1 THEN new.amount ELSE 0 END,
      (new.operation = 2)::int, CASE WHEN new.operation = 2 THEN new.amount ELSE 0 END
    WHERE new.operation IN (1, 2)
    ON CONFLICT (operator_id, quarter, machine_id) DO UPDATE SET receipts = t.receipts + excluded.receipts, receipted = t.receipted + excluded.receipted,
      refunds = t.refunds + excluded.refunds, refunded = t.refunded + excluded.refunded;
  RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER receipt_counted AFTER INSERT ON receipt FOR EACH ROW WHEN (new.operation > 0) EXECUTE FUNCTION receipt_counted();
-- +goose StatementBegin
CREATE FUNCTION job_moved() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO tally AS t VALUES (old.operator_id, 'job:' || old.state, -1), (new.operator_id, 'job:' || new.state, 1)
    ON CONFLICT (operator_id, what) DO UPDATE SET n = t.n + excluded.n;
  RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER job_moved AFTER UPDATE OF state ON job FOR EACH ROW WHEN (old.state <> new.state) EXECUTE FUNCTION job_moved();
-- +store both

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
