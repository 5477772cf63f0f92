-- Step events, numbered in the order in which they became visible (see postgres_append.sql).
CREATE TABLE IF NOT EXISTS nq.step_event (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at bigint NOT NULL, -- epoch ms
  flow text NOT NULL,
  event text NOT NULL -- JSON
);
CREATE INDEX IF NOT EXISTS step_event_flow ON nq.step_event USING hash (flow);
CREATE INDEX IF NOT EXISTS step_event_at ON nq.step_event (at);
