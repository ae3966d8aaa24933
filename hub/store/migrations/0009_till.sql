-- +goose Up
-- What an operator sets on a lane, what a person answered for when letting a
-- lane go on, and the oldest job of each machine, so that the backlog of one
-- machine does not hide those of the others.

ALTER TABLE lane ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';        -- store.LaneSettings
ALTER TABLE lane_state ADD COLUMN accepted TEXT NOT NULL DEFAULT '';    -- the fault a person took upon himself; '' none
ALTER TABLE lane_state ADD COLUMN accepted_by TEXT NOT NULL DEFAULT ''; -- his token's name and reason

-- The condition must repeat that of job_queue word for word.
CREATE INDEX job_machine_queue ON job(seller_id, machine_id, sold_at)
  WHERE state = 'queued' AND purpose <> 'shift_open' AND purpose <> 'shift_close';

-- +goose Down
SELECT 1;
