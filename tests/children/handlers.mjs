// A handler that does what its job says; the same as handlers.py.
import { spawn } from 'node:child_process'

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const LONG_MS = 100_000

const verbs = {
  echo: (data, ctx) => ({
    data,
    context: [ctx.jobId, ctx.queue, ctx.flowId, ctx.flowName, ctx.stepName, ctx.stepId, ctx.attempt],
  }),
  give: (data) => data.result,
  fail: () => {
    throw new RangeError('no such order')
  },
  fail_for_good: () => {
    throw Object.assign(new RangeError('never'), { unrecoverable: true })
  },
  keep: async (data, ctx) => {
    await ctx.state.set('key', data.value)
    const kept = await ctx.state.get('key')
    await ctx.state.delete('key')
    return [kept, await ctx.state.get('key')]
  },
  ask_together: (data, ctx) => Promise.all(data.keys.map((key) => ctx.state.get(key))),
  talk: (data, ctx) => {
    for (let number = 0; number < data.times; number++) {
      process.stdout.write('progress')
      ctx.logger.log('info', `line ${number}`, { n: number })
      ctx.flow.emit(`trigger ${number}`)
    }
    return 'said'
  },
  log_anything: async (data, ctx) => {
    await ctx.logger.log('info', 'strange', { object: 1n })
    const cycle = []
    cycle.push(cycle)
    await ctx.logger.log('info', 'stranger', cycle)
    return 'logged'
  },
  give_what_json_cannot_hold: () => 1n,
  catch: (data, ctx) => ctx.state.get('key').catch((error) => error.message),
  leave: (data) => {
    process.stderr.write('out of luck\n')
    process.exit(data.code)
  },
  wait: () => sleep(LONG_MS),
  wait_with_a_child: async (data, ctx) => {
    await ctx.state.set('pids', [process.pid, spawn('sleep', ['100']).pid])
    for (const end = Date.now() + LONG_MS; Date.now() < end; );
  },
  leave_a_child_behind: () => spawn('sleep', ['100']).pid,
  pid: () => process.pid,
  environment: () => ({ ...process.env }),
  read_stdin: async () => {
    let text = ''
    for await (const chunk of process.stdin) text += chunk
    return text
  },
}

export default (data, ctx) => verbs[data.do](data, ctx)
