-- The tables of version 1. A semicolon ends a statement, and stands nowhere else.
--
-- Times are epoch ms of the host's clock, texts of data, opts and return_value are JSON.
-- counter.last gives creation numbers, places in line and the order of endings. One counter for
-- all, so that they can be compared, and so that a number is never used again.

CREATE TABLE counter (last INTEGER NOT NULL) STRICT;

INSERT INTO counter (last) VALUES (0);

CREATE TABLE queue (
  id INTEGER PRIMARY KEY,
  prefix TEXT NOT NULL,
  name TEXT NOT NULL,
  paused INTEGER NOT NULL DEFAULT 0,
  UNIQUE (prefix, name)
) STRICT;

CREATE TABLE job (
  number INTEGER PRIMARY KEY,
  queue INTEGER NOT NULL REFERENCES queue (id),
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  data TEXT NOT NULL,
  opts TEXT NOT NULL,
  state TEXT NOT NULL,
  priority INTEGER NOT NULL,
  place INTEGER NOT NULL,
  due INTEGER,
  token TEXT,
  locked_until INTEGER,
  stalls INTEGER NOT NULL DEFAULT 0,
  timestamp INTEGER NOT NULL,
  processed_on INTEGER,
  finished_on INTEGER,
  ended INTEGER,
  attempts_made INTEGER NOT NULL DEFAULT 0,
  return_value TEXT,
  failed_reason TEXT,
  progress TEXT,
  UNIQUE (queue, id)
) STRICT;

CREATE INDEX job_state ON job (queue, state);

CREATE INDEX job_waiting ON job (queue, priority, place) WHERE state = 'waiting';

CREATE INDEX job_delayed ON job (queue, due) WHERE state = 'delayed';

CREATE INDEX job_active ON job (queue, locked_until) WHERE state = 'active';

CREATE INDEX job_ended ON job (queue, state, ended) WHERE ended IS NOT NULL;

CREATE TABLE series (
  queue INTEGER NOT NULL REFERENCES queue (id),
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  data TEXT NOT NULL,
  opts TEXT NOT NULL,
  pattern TEXT NOT NULL,
  tz TEXT,
  run_limit INTEGER,
  next_at INTEGER NOT NULL,
  runs INTEGER NOT NULL,
  PRIMARY KEY (queue, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX series_next ON series (queue, next_at);

CREATE TABLE event (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  queue INTEGER NOT NULL,
  event TEXT NOT NULL,
  job_id TEXT,
  detail ANY
) STRICT
