/**
 * The SDK of Node handlers that run in child processes. One file, no dependencies.
 * Its types are in worker.d.ts; the protocol is JSON-RPC 2.0, a message a line.
 */

import { Console } from 'node:console'
import { Readable } from 'node:stream'

const UNKNOWN_METHOD = -32601
const BAD_PARAMS = -32602
const FAILED = -32000

/** @type {boolean} */
let served = false

export class ContextCallError extends Error {
  /** @param {string} message @param {string} [type] the error's type in the parent */
  constructor(message, type = '') {
    super(message)
    this.name = 'ContextCallError'
    this.type = type
  }
}

/** @type {typeof import('./worker.d.ts').defineWorker} */
export function defineWorker(handler, config) {
  if (typeof handler !== 'function') throw new TypeError(`a handler must be a function, not ${typeof handler}`)
  return { handler, config }
}

/** @type {typeof import('./worker.d.ts').defineConfig} */
export function defineConfig(config) {
  return config
}

/** Whether `runWorker` was called in this process. */
export function wasServed() {
  return served
}

/** @type {typeof import('./worker.d.ts').runWorker} */
export function runWorker(handler) {
  served = true
  const call = typeof handler === 'function' ? handler : handler.handler
  const link = new Link(takeStdio())
  link.onExecute = (message) => void execute(link, call, message)
}

/** What came in is answered by what the handler makes of it; never rejects. */
async function execute(link, call, { id, params }) {
  const calls = new Calls(link)
  let line
  try {
    const result = await call(params.job.data, context(params.context, calls))
    await calls.settled()
    line = encode({ id, result: exactly(result) })
  } catch (error) {
    await calls.settled()
    line = encode({ id, error: told(error) })
  }
  calls.end()
  link.send(line)
  link.busy = false
}

function context(fields, calls) {
  return {
    ...fields,
    state: {
      get: (key) => calls.ask('ctx.state.get', { key }),
      set: (key, value) => calls.ask('ctx.state.set', { key, value: value === undefined ? null : value }),
      delete: (key) => calls.ask('ctx.state.delete', { key }),
    },
    logger: {
      log: async (level, message, metadata) =>
        calls.tell('ctx.logger.log', { level: String(level), message: String(message), metadata: plain(metadata) }),
    },
    flow: { emit: (trigger, payload = null) => calls.ask('ctx.flow.emit', { trigger, payload }) },
  }
}

/** The calls of one job's context; after `end`, none is made any more: another job may run. */
class Calls {
  #link
  #open = true
  #unanswered = new Set()

  constructor(link) {
    this.#link = link
  }

  async ask(method, params) {
    if (!this.#open) throw new Error(`${method} was called after its job had ended`)
    const answer = this.#link.request(method, params)
    this.#unanswered.add(answer)
    try {
      return await answer
    } finally {
      this.#unanswered.delete(answer)
    }
  }

  tell(method, params) {
    if (this.#open) this.#link.send(encode({ method, params }))
  }

  /** Resolves once every call that was begun is answered. */
  async settled() {
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#unanswered.size) await Promise.allSettled(this.#unanswered)
  }

  end() {
    this.#open = false
  }
}

/** The child's end of the conversation. */
class Link {
  busy = false
  onExecute = () => {}
  #write
  #ids = 0
  #pending = new Map()
  #parts = []

  constructor({ input, write }) {
    this.#write = write
    input.on('data', (chunk) => this.#receive(chunk))
    input.on('end', () => this.#end())
    input.on('error', () => this.#end())
  }

  /** A newline goes before the line, lest it be glued to what was printed earlier without one. */
  send(line) {
    this.#write(`\n${line}\n`)
  }

  request(method, params) {
    const id = ++this.#ids
    const line = encode({ id, method, params })
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject })
      this.send(line)
    })
  }

  #receive(chunk) {
    let start = 0
    for (let end; (end = chunk.indexOf(10, start)) >= 0; start = end + 1) {
      this.#parts.push(chunk.subarray(start, end))
      const line = Buffer.concat(this.#parts).toString('utf8')
      this.#parts = []
      this.#take(line)
    }
    if (start < chunk.length) this.#parts.push(chunk.subarray(start))
  }

  #take(line) {
    let message
    try {
      message = JSON.parse(line)
    } catch {
      return
    }
    if (message === null || typeof message !== 'object') return
    if (!('method' in message)) return this.#settle(message)
    const params = message.params
    if (message.method === 'execute' && params !== null && typeof params === 'object') {
      this.busy = true
      this.onExecute(message)
    } else if ('id' in message) {
      const known = message.method === 'execute'
      const error = known
        ? { code: BAD_PARAMS, message: 'execute needs an object as its params' }
        : { code: UNKNOWN_METHOD, message: `no method ${JSON.stringify(message.method)}` }
      this.send(encode({ id: message.id, error }))
    }
  }

  #settle({ id, result, error }) {
    const waiting = this.#pending.get(id)
    if (!waiting) return
    this.#pending.delete(id)
    if (error === undefined || error === null) waiting.resolve(result === undefined ? null : result)
    else waiting.reject(new ContextCallError(String(error.message ?? error), String(error.data?.type ?? '')))
  }

  /** The parent is gone. A handler that still runs works at a job that is somebody else's now. */
  #end() {
    if (this.busy) {
      try {
        process.kill(-process.pid, 'SIGKILL') // what it has started, if the session is our own
      } catch {
        // it is not
      }
    }
    process.exit(this.busy ? 1 : 0)
  }
}

/** stdin and stdout for the protocol alone: to others, stdout is stderr and stdin is at its end. */
function takeStdio() {
  const input = process.stdin
  const output = process.stdout
  const write = output.write.bind(output)
  output.on('error', () => {}) // a parent that is gone is noticed on stdin
  output.write = process.stderr.write.bind(process.stderr)
  globalThis.console = new Console(process.stderr, process.stderr)
  const none = Readable.from([])
  Object.defineProperty(process, 'stdin', { configurable: true, get: () => none })
  return { input, write }
}

function encode(message) {
  return JSON.stringify({ jsonrpc: '2.0', ...message })
}

/** What JSON would lose is refused: undefined becomes null, functions and NaN inside do not pass. */
function exactly(result) {
  if (result === undefined) return null
  const text = JSON.stringify(result, (key, value) => {
    if (typeof value === 'number' && !Number.isFinite(value)) throw unserialisable(key, value)
    if (typeof value === 'function' || typeof value === 'symbol') throw unserialisable(key, typeof value)
    return value
  })
  return JSON.parse(text)
}

function unserialisable(key, what) {
  return new TypeError(`the handler's result can't be sent as JSON: ${String(what)} at ${JSON.stringify(key)}`)
}

/** Metadata of a log entry as JSON can hold it, whatever it is. */
function plain(value) {
  try {
    return value === undefined ? null : JSON.parse(JSON.stringify(value) ?? JSON.stringify(String(value)))
  } catch {
    return Object.prototype.toString.call(value)
  }
}

function told(error) {
  const type = error?.name ?? error?.constructor?.name ?? typeof error
  const data = { type: String(type), traceback: String(error?.stack ?? '') }
  if (error?.unrecoverable === true || type === 'UnrecoverableError') data.unrecoverable = true
  return { code: FAILED, message: shown(error), data }
}

function shown(error) {
  if (error instanceof Error) return error.message || error.name
  try {
    return typeof error === 'string' ? error : (JSON.stringify(error) ?? String(error))
  } catch {
    return Object.prototype.toString.call(error)
  }
}
