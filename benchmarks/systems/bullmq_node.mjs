// BullMQ on Node: `node bullmq_node.mjs TASK JSON`, the counterpart of child.py, measuring.py and tally.py.
// Finished jobs and results are kept. The JSON has url, name, concurrency, jobs, and from figures.py
// together, warmUp, latencyWarmUp and gapMs; `modules` is the folder that bullmq is installed in.

import { createRequire } from 'node:module';

const task = process.argv[2];
const spec = JSON.parse(process.argv[3]);
const { Queue, Worker } = createRequire(`${spec.modules}/index.js`)('bullmq');

const address = new URL(spec.url);
const connection = { host: address.hostname, port: Number(address.port), db: Number(address.pathname.slice(1) || 0) };
const queue = new Queue('jobs', { connection, prefix: spec.name });
const job = (n, sent = 0) => ({ n, to: 'someone@example.org', subject: 'Hello there, how are you?', sent });
const say = line => process.stdout.write(`${line}\n`);
const now = () => Number(process.hrtime.bigint()); // the system-wide monotonic clock, as in Python

async function fill(jobs) {
  for (let first = 0; first < jobs; first += spec.together) {
    const calls = [];
    for (let i = 0; i < spec.together; i++) calls.push(queue.add('send', job(first + i)));
    await Promise.all(calls);
  }
}

async function warmUp() {
  for (let n = 0; n < spec.warmUp; n++) await queue.add('send', job(n));
}

async function rateOf(work) {
  await warmUp();
  const began = now();
  await work();
  return { value: spec.jobs / ((now() - began) / 1e9) };
}

// A worker, and the promise of all its calls; `skipped` come before the clock starts.
function work(skipped) {
  const tally = { calls: 0, first: 0, last: 0, latencies: [] };
  tally.complete = new Promise(resolve => {
    tally.worker = new Worker('jobs', async ({ data }) => {
      const called = now();
      const call = ++tally.calls - skipped;
      if (call > 0) {
        if (data.sent) tally.latencies.push((called - data.sent) / 1e6);
        if (call === 1) tally.first = called;
        if (call === spec.jobs) { tally.last = called; resolve(); }
      }
      return true;
    }, { connection, prefix: spec.name, concurrency: spec.concurrency });
  });
  return tally;
}

async function drain() {
  await fill(spec.jobs);
  const tally = work(0);
  await tally.complete;
  return { value: (spec.jobs - 1) / ((tally.last - tally.first) / 1e9) };
}

async function latencyWorker() {
  const tally = work(spec.latencyWarmUp);
  await tally.worker.waitUntilReady();
  say('ready');
  await tally.complete;
  return { values: tally.latencies };
}

async function latencyClient() {
  for (let n = 0; n < spec.latencyWarmUp + spec.jobs; n++) {
    await new Promise(resolve => setTimeout(resolve, spec.gapMs));
    await queue.add('send', job(n, now()));
  }
  return {};
}

const tasks = {
  enqueue_one: () => rateOf(async () => { for (let n = 0; n < spec.jobs; n++) await queue.add('send', job(n)); }),
  enqueue_together: () => rateOf(() => fill(spec.jobs)),
  drain_10: drain,
  drain_100: drain,
  latency_worker: latencyWorker,
  latency_client: latencyClient,
};

await queue.waitUntilReady();
say(JSON.stringify(await tasks[task]()));
setTimeout(() => process.exit(0), 200);
