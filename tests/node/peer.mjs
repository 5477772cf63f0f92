// A Node application on a shared BullMQ queue, told what to do line by line.
//
// Usage: node peer.mjs PACKAGE REDIS_URL PREFIX, in a folder where PACKAGE is installed.
// Each line on stdin is {"id", "method", "params"}; each answer is {"id", "result"} or {"id", "error"}.

import { createRequire } from 'node:module'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const [bullmqPackage, url, prefix] = process.argv.slice(2)
const require = createRequire(join(process.cwd(), 'package.json'))
const { Queue, QueueEvents, Worker } = require(bullmqPackage)

const { hostname: host, port, pathname } = new URL(url)
const connection = { host, port: Number(port), db: Number(pathname.slice(1) || 0), maxRetriesPerRequest: null }
const options = { connection, prefix }
const closers = []
const queues = new Map()
const events = new Map()

function queueOf(name) {
  if (!queues.has(name)) {
    queues.set(name, new Queue(name, options))
    closers.push(() => queues.get(name).close())
  }
  return queues.get(name)
}

async function eventsOf(name) {
  if (!events.has(name)) {
    // From the stream's beginning: what happens before the first read would be missed otherwise.
    events.set(name, new QueueEvents(name, { ...options, lastEventId: '0-0' }))
    closers.push(() => events.get(name).close())
    await events.get(name).waitUntilReady()
  }
  return events.get(name)
}

const methods = {
  async add({ queue, name, data, opts }) {
    return (await queueOf(queue).add(name, data, opts)).id
  },

  // The value that a job returned; an error if it failed.
  async outcome({ queue, id }) {
    const job = await queueOf(queue).getJob(id)
    return await job.waitUntilFinished(await eventsOf(queue), 20000)
  },

  async show({ queue, id }) {
    const job = await queueOf(queue).getJob(id)
    if (!job) return null
    const { name, data, opts, returnvalue, failedReason, attemptsMade, stacktrace } = job
    const state = await job.getState()
    return { name, data, opts, returnvalue, failedReason, attemptsMade, stacktrace, state }
  },

  // A worker that returns what it was given, or throws `fail` on its first `failures` attempts.
  async work({ queue, fail, failures = Infinity }) {
    const worker = new Worker(
      queue,
      async (job) => {
        if (fail && job.attemptsMade < failures) throw new Error(fail)
        return { name: job.name, data: job.data }
      },
      options,
    )
    closers.unshift(() => worker.close())
    await worker.waitUntilReady()
    return null
  },

  async pause({ queue }) {
    await queueOf(queue).pause()
    return null
  },

  async resume({ queue }) {
    await queueOf(queue).resume()
    return null
  },

  async isPaused({ queue }) {
    return await queueOf(queue).isPaused()
  },

  async counts({ queue }) {
    return await queueOf(queue).getJobCounts()
  },

  async workers({ queue }) {
    return (await queueOf(queue).getWorkers()).length
  },

  async upsertScheduler({ queue, id, repeat, template }) {
    return (await queueOf(queue).upsertJobScheduler(id, repeat, template)).id
  },

  async schedulers({ queue }) {
    return await queueOf(queue).getJobSchedulers()
  },
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line)
  let answer
  try {
    answer = { id, result: (await methods[method](params)) ?? null }
  } catch (error) {
    answer = { id, error: error.message }
  }
  process.stdout.write(JSON.stringify(answer) + '\n')
}
for (const close of closers) await close()
process.exit(0)
