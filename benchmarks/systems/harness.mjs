// What the systems on Node share: the counterpart of child.py, measuring.py and tally.py.
//
// A system is run as `node SYSTEM.mjs TASK JSON`. The JSON has url, name, concurrency, jobs, and from
// figures.py together, warmUp, latencyWarmUp and gapMs; `modules` is the folder that the peers are
// installed in. `measure` is given
//   enqueue(job)   stores a job, and resolves once it is stored
//   work(handler)  begins to call `handler(job)`, and resolves once it does

import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

export const task = process.argv[2];
export const spec = JSON.parse(process.argv[3]);

// A module of the folder `modules`, whether it is CommonJS or ESM.
export function peer(name) {
  return import(pathToFileURL(createRequire(`${spec.modules}/index.js`).resolve(name)).href);
}

const job = (n, sent = 0) => ({ n, to: 'someone@example.org', subject: 'Hello there, how are you?', sent });
const say = line => process.stdout.write(`${line}\n`);
const now = () => Number(process.hrtime.bigint()); // the system-wide monotonic clock, as in Python

// The handler, and the promise of all its calls; `skipped` come before the clock starts.
function tallyOf(skipped) {
  const tally = { calls: 0, first: 0, last: 0, latencies: [] };
  tally.complete = new Promise(resolve => {
    tally.hit = data => {
      const called = now();
      const call = ++tally.calls - skipped;
      if (call <= 0) return true;
      if (data.sent) tally.latencies.push((called - data.sent) / 1e6);
      if (call === 1) tally.first = called;
      if (call === spec.jobs) { tally.last = called; resolve(); }
      return true;
    };
  });
  return tally;
}

export async function measure({ enqueue, work }) {
  const rateOf = async action => {
    for (let n = 0; n < spec.warmUp; n++) await enqueue(job(n));
    const began = now();
    await action();
    return { value: spec.jobs / ((now() - began) / 1e9) };
  };
  const fill = async () => {
    for (let first = 0; first < spec.jobs; first += spec.together) {
      const calls = [];
      for (let i = 0; i < spec.together; i++) calls.push(enqueue(job(first + i)));
      await Promise.all(calls);
    }
  };
  const drain = async () => {
    await fill();
    const tally = tallyOf(0);
    await work(tally.hit);
    await tally.complete;
    return { value: (spec.jobs - 1) / ((tally.last - tally.first) / 1e9) };
  };
  const latencyWorker = async () => {
    const tally = tallyOf(spec.latencyWarmUp);
    await work(tally.hit);
    say('ready');
    await tally.complete;
    return { values: tally.latencies };
  };
  const latencyClient = async () => {
    for (let n = 0; n < spec.latencyWarmUp + spec.jobs; n++) {
      await new Promise(resolve => setTimeout(resolve, spec.gapMs));
      await enqueue(job(n, now()));
    }
    return {};
  };
  const tasks = {
    enqueue_one: () => rateOf(async () => { for (let n = 0; n < spec.jobs; n++) await enqueue(job(n)); }),
    enqueue_together: () => rateOf(fill),
    drain_10: drain,
    drain_100: drain,
    latency_worker: latencyWorker,
    latency_client: latencyClient,
  };
  say(JSON.stringify(await tasks[task]()));
  setTimeout(() => process.exit(0), 200);
}
