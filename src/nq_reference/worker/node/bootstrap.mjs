/**
 * The main program of a Node child: `node bootstrap.mjs PATH`.
 * The module at PATH is imported, with stdin and stdout as they are: it may speak the protocol by itself.
 * A handler that it exports (`export default`, or `handler`) is served.
 */

import { pathToFileURL } from 'node:url'
import { runWorker, wasServed } from './worker.mjs'

const path = process.argv[2]
process.argv.splice(1, 2, path)
const module = await import(pathToFileURL(path).href)
const exported = [module.default, module.default?.default, module.handler, module.default?.handler]
const isHandler = (value) => typeof value === 'function' || typeof value?.handler === 'function'
const handler = exported.find(isHandler)
if (handler && !wasServed()) runWorker(handler)
