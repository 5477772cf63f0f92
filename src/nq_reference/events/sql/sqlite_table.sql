-- Step events, numbered in their order.
CREATE TABLE IF NOT EXISTS nq.step_event (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL, -- epoch ms
  flow TEXT NOT NULL,
  event TEXT NOT NULL -- JSON
);
CREATE INDEX IF NOT EXISTS nq.step_event_flow ON step_event (flow);
CREATE INDEX IF NOT EXISTS nq.step_event_at ON step_event (at);
