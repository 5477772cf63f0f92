/** Begins the flow `example`: keeps what it was given, and hands on twice as much. */
export const config = {
  queue: 'example',
  flow: { name: 'example', role: 'entry', step: 'first_step', emits: ['first_step.completed'] },
}

export default async function firstStep(data, ctx) {
  await ctx.state.set('given', data.value)
  await ctx.flow.emit('first_step.completed', { value: data.value * 2 })
  return { value: data.value }
}
