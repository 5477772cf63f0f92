// graphile-worker. Jobs are deleted when they end; no results. It listens.

import { measure, peer, spec } from './harness.mjs';

const { Logger, makeWorkerUtils, run } = await peer('graphile-worker');
const logger = new Logger(() => () => {});
const utils = await makeWorkerUtils({ connectionString: spec.url, logger });
await utils.migrate();

await measure({
  enqueue: job => utils.addJob('send', job),
  work: handler => run({
    connectionString: spec.url,
    logger,
    concurrency: spec.concurrency,
    noHandleSignals: true,
    taskList: { send: async job => { handler(job); } },
  }),
});
