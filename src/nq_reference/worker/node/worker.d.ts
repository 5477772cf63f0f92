/** A JSON value: what payloads, results and state may be. */
export type JSONValue = null | boolean | number | string | JSONValue[] | { [key: string]: JSONValue }

/** One attempt at one job, as its handler sees it (CTX-01). `attempt` counts from 1. */
export interface RunContext {
  readonly jobId: string
  readonly queue: string
  readonly flowId: string
  readonly flowName: string
  readonly stepName: string
  readonly stepId: string
  readonly attempt: number
  /** Values of this flow, shared by its steps and their attempts. `get` of a missing key is null. */
  readonly state: {
    get(key: string): Promise<JSONValue>
    set(key: string, value: JSONValue): Promise<void>
    delete(key: string): Promise<void>
  }
  /** Never fails the job, whatever it is given. */
  readonly logger: { log(level: string, message: string, metadata?: unknown): Promise<void> }
  /** Errors of the flow engine reject. */
  readonly flow: { emit(trigger: string, payload?: Record<string, unknown>): Promise<unknown> }
}

export type Handler<Data = any, Result = unknown> = (data: Data, ctx: RunContext) => Result | Promise<Result>

/** The handler's place in a flow; `step` is the job's name if it is left out. */
export interface FlowConfig {
  name: string
  role?: 'entry' | 'step'
  step?: string
  emits?: string[]
  subscribes?: string[]
}

/** How the queue's worker is to behave; what is left out is the worker manager's business. */
export interface WorkerConfig {
  concurrency?: number
  lockDurationMs?: number
  maxStalledCount?: number
  drainDelayMs?: number
  autorun?: boolean
  timeoutMs?: number
}

export interface Config {
  /** The file's folder, if it is left out. */
  queue?: string
  name?: string
  flow?: FlowConfig
  worker?: WorkerConfig
  runtime?: 'node-isolated'
  attempts?: number
}

export interface DefinedWorker<Data = any, Result = unknown> {
  readonly handler: Handler<Data, Result>
  readonly config?: Config
}

/** A context call failed in the parent; `message` says what it said there. */
export class ContextCallError extends Error {
  readonly type: string
}

/** The handler together with its configuration; make it the module's default export. */
export function defineWorker<Data = any, Result = unknown>(
  handler: Handler<Data, Result>,
  config?: Config,
): DefinedWorker<Data, Result>

/** The configuration itself, with its types checked. */
export function defineConfig(config: Config): Config

/** Serve on stdin and stdout until the parent closes stdin; stdout is stderr for everybody else. */
export function runWorker(handler: Handler | DefinedWorker): void
