/** Ends the flow `ml-flow`, in a Node process of its own. */
export const config = {
  queue: 'published',
  flow: { name: 'ml-flow', step: 'publish_model', subscribes: ['model.accepted'] },
}

export default async function publishModel(data, ctx) {
  const { slope, intercept } = await ctx.state.get('model')
  return { formula: `y = ${slope} x + ${intercept}`, error: data.error }
}
