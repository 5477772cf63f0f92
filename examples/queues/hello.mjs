/** Greets whoever the payload names. At the top of the folder, the file's name is the queue's and the job's. */
export default async function hello(data, ctx) {
  const name = data?.name ?? 'world'
  await ctx.logger.log('info', `greeting ${name}`)
  return { greeting: `Hello, ${name}!` }
}
