// pg-boss. Finished jobs and results are kept. Tuned: it claims and finishes batches of `concurrency` jobs in
// one worker, goes on at once while batches are full, and listens instead of a poll every two seconds.

import { measure, peer, spec } from './harness.mjs';

const { PgBoss } = await peer('pg-boss');
const boss = new PgBoss({ connectionString: spec.url, useListenNotify: true, supervise: false, schedule: false });
boss.on('error', error => process.stderr.write(`pg-boss: ${error}\n`));
await boss.start();
await boss.createQueue('jobs', { notify: true });

await measure({
  enqueue: job => boss.send('jobs', job),
  work: handler => {
    const options = {
      batchSize: spec.concurrency, pollingIntervalSeconds: 0.5, perJobResults: true, burstWhenBatchFull: true,
    };
    return boss.work('jobs', options, async jobs => jobs.map(job => ({
      id: job.id, status: 'completed', output: { result: handler(job.data) },
    })));
  },
});
