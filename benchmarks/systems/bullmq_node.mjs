// BullMQ on Node. Finished jobs and results are kept.

import { measure, peer, spec } from './harness.mjs';

const { Queue, Worker } = await peer('bullmq');
const address = new URL(spec.url);
const connection = { host: address.hostname, port: Number(address.port), db: Number(address.pathname.slice(1) || 0) };
const queue = new Queue('jobs', { connection, prefix: spec.name });
await queue.waitUntilReady();

await measure({
  enqueue: job => queue.add('send', job),
  work: async handler => {
    const options = { connection, prefix: spec.name, concurrency: spec.concurrency };
    const worker = new Worker('jobs', async ({ data }) => handler(data), options);
    await worker.waitUntilReady();
  },
});
