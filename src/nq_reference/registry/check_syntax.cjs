/**
 * Checks files as Node would read them, and runs none of them: `node --experimental-vm-modules check_syntax.cjs`.
 * stdin is a JSON list of paths; stdout a list of `{ path, line, message }`, one for each file that is wrong.
 */
'use strict'

const { spawnSync } = require('node:child_process')
const { existsSync, readFileSync, realpathSync } = require('node:fs')
const { basename, dirname, extname, join } = require('node:path')
const { SourceTextModule, compileFunction } = require('node:vm')

const WRAPPER = ['exports', 'require', 'module', '__filename', '__dirname']
const MODULE_SYNTAX = /\b(?:import|export|await)\b/

/** What is wrong with `code` as a module; the error of `SourceTextModule` has no line, so Node tells it. */
function wrongAsModule(code, path) {
  try {
    new SourceTextModule(code, { identifier: path })
    return null
  } catch (error) {
    if (!(error instanceof SyntaxError)) return null
    const options = { input: code, encoding: 'utf8' }
    const told = spawnSync(process.execPath, ['--check', '--input-type=module', '-'], options).stderr ?? ''
    return { path, line: Number(/^\[stdin\]:(\d+)/m.exec(told)?.[1] ?? 1), message: error.message }
  }
}

function wrongAsScript(code, path) {
  try {
    compileFunction(code, WRAPPER, { filename: path })
    return null
  } catch (error) {
    if (!(error instanceof SyntaxError)) return null
    const [place] = String(error.stack).split('\n', 1)
    return { path, line: Number(/:(\d+)$/.exec(place)?.[1] ?? 1), message: error.message }
  }
}

/** A `.js` file is what the nearest package.json says; where none says it, what it can be read as. */
function packageType(path) {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const file = join(folder, 'package.json')
    if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')).type ?? null
    if (folder === dirname(folder) || basename(folder) === 'node_modules') return null
  }
}

function wrong(path) {
  const real = realpathSync(path)
  const code = readFileSync(real, 'utf8')
  const type = { '.mjs': 'module', '.cjs': 'commonjs' }[extname(real)] ?? packageType(real)
  if (type === 'module') return wrongAsModule(code, path)
  const asScript = wrongAsScript(code, path)
  if (asScript === null || type === 'commonjs' || !MODULE_SYNTAX.test(asScript.message)) return asScript
  return wrongAsModule(code, path)
}

function checked(path) {
  try {
    return wrong(path)
  } catch {
    return null // what can't be read is told by whoever reads it
  }
}

const paths = JSON.parse(readFileSync(0, 'utf8'))
process.stdout.write(JSON.stringify(paths.map(checked).filter(Boolean)))
