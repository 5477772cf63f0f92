-- The tables of version 2. A commit writes whole pages, and waits for them: so events have their
-- numbers from the counter's row instead of a sequence of their own, and there is no index that says
-- what the partial ones say already.

DROP INDEX job_state;

ALTER TABLE counter ADD COLUMN last_event INTEGER NOT NULL DEFAULT 0;

UPDATE counter SET last_event = coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'event'), 0);

ALTER TABLE event RENAME TO old_event;

CREATE TABLE event (
  number INTEGER PRIMARY KEY,
  queue INTEGER NOT NULL,
  event TEXT NOT NULL,
  job_id TEXT,
  detail ANY
) STRICT;

INSERT INTO event SELECT number, queue, event, job_id, detail FROM old_event;

DROP TABLE old_event
