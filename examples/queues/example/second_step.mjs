/** Ends the flow `example`: has the payload of the trigger, and the state of the first step. */
export const config = {
  queue: 'example',
  flow: { name: 'example', step: 'second_step', subscribes: ['first_step.completed'] },
}

export default async function secondStep(data, ctx) {
  return { given: await ctx.state.get('given'), value: data.value }
}
