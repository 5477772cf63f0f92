-- What is kept.
--
-- In all these files `nq.` stands for the schema that the source is given. Times are epoch ms of
-- this server's clock, payloads and options are JSON text and opaque here: jsonb would change the
-- order of keys and the look of numbers.

CREATE SEQUENCE nq.number AS bigint; -- creation numbers and places in line
CREATE SEQUENCE nq.event_number AS bigint;

CREATE TYPE nq.job_state AS ENUM ('waiting', 'active', 'delayed', 'completed', 'failed');

-- A queue that was ever used. `watched_until` and `heard_until` are leases: until then somebody
-- waits for work here, or for events. Nobody is notified, and no event is kept, for nobody.
CREATE TABLE nq.queue (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text COLLATE "C" NOT NULL UNIQUE,
  paused boolean NOT NULL DEFAULT false,
  watched_until bigint NOT NULL DEFAULT 0,
  heard_until bigint NOT NULL DEFAULT 0
);

-- `number` counts jobs as they come. `place` is the turn among those that wait in one priority, and
-- of ended jobs the order in which they ended. `keep_failed` is how many failed jobs to keep, NULL
-- for all. A job keeps the token that ended its attempt until it is claimed again.
--
-- A plan is made while the table is small and stays when it has grown a thousandfold. To a table
-- believed to be empty all indexes look alike, and the wrong one would be read from end to end. So
-- it has no choice: a job is found by `key` (queue and id in one), those in a state by the partial
-- index for it, and the one for lists is on an expression that nobody else uses.
CREATE TABLE nq.job (
  key text COLLATE "C" PRIMARY KEY,
  queue int NOT NULL,
  id text COLLATE "C" NOT NULL,
  number bigint NOT NULL,
  place bigint NOT NULL,
  due bigint NOT NULL,
  created_on bigint NOT NULL,
  processed_on bigint,
  finished_on bigint,
  locked_until bigint,
  keep_failed bigint,
  priority int NOT NULL,
  attempts_made int NOT NULL DEFAULT 0,
  stalls int NOT NULL DEFAULT 0,
  state nq.job_state NOT NULL,
  token text COLLATE "C",
  name text COLLATE "C" NOT NULL,
  opts text COLLATE "C" NOT NULL,
  data text COLLATE "C" NOT NULL,
  return_value text COLLATE "C",
  failed_reason text COLLATE "C",
  progress text COLLATE "C"
) WITH (
  autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_analyze_scale_factor = 0.05,
  autovacuum_vacuum_cost_delay = 0
);
CREATE INDEX job_listed ON nq.job ((queue::bigint), number);
CREATE INDEX job_waiting ON nq.job (queue, priority, place) WHERE state = 'waiting';
CREATE INDEX job_delayed ON nq.job (queue, due, number) WHERE state = 'delayed';
CREATE INDEX job_active ON nq.job (queue, locked_until) WHERE state = 'active';
CREATE INDEX job_ended ON nq.job (queue, state, place) WHERE state IN ('completed', 'failed');

CREATE TABLE nq.schedule (
  queue int NOT NULL,
  id text COLLATE "C" NOT NULL,
  next_at bigint NOT NULL,
  runs bigint NOT NULL,
  run_limit bigint,
  name text COLLATE "C" NOT NULL,
  data text COLLATE "C" NOT NULL,
  opts text COLLATE "C" NOT NULL,
  pattern text COLLATE "C" NOT NULL,
  tz text COLLATE "C",
  PRIMARY KEY (queue, id)
);
CREATE INDEX schedule_next ON nq.schedule (queue, next_at);

-- What one call did, as one row: the n-th event has the n-th job id and detail.
CREATE TABLE nq.event (
  queue int NOT NULL,
  number bigint NOT NULL,
  at bigint NOT NULL,
  events text[] NOT NULL,
  ids text[] NOT NULL,
  details text[] NOT NULL,
  PRIMARY KEY (queue, number)
);
