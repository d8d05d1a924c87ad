import { describe, expect, it } from 'vitest'
import { filesBelow, textOf } from './sources.ts'

/** Lines of code that one file may have; eslint counts TypeScript the same way. */
const MAX_LINES = 300

const OURS = ['packages', 'tests', 'scripts', 'native', '.ci']

/** Lines that are neither blank nor comment, up to the tests that a Rust file closes with. */
function codeLines(text: string): number {
  const [code = ''] = text.split('\n#[cfg(test)]\n')
  return code.split('\n').filter((line) => !/^\s*($|\/\/|\/\*|\*)/.test(line)).length
}

const linesWith = (pattern: RegExp, ...paths: readonly string[]): readonly string[] =>
  paths.flatMap((path) =>
    textOf(path)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
  )

describe('files', () => {
  it('of Rust and C stay within the line budget', () => {
    const long = filesBelow('native', '.rs', '.c', '.h').filter((path) => codeLines(textOf(path)) > MAX_LINES)
    expect(long).toEqual([])
  })

  it('of a package stand below its src folder', () => {
    const strays = filesBelow('packages', '.ts', '.tsx').filter(
      (path) => !/^packages\/[^/]+\/(src\/|[^/]+\.config\.ts$)/.test(path),
    )
    expect(strays).toEqual([])
  })

  it('are named in kebab case', () => {
    const odd = filesBelow('packages', '.ts').filter((path) => !/\/[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)*\.ts$/.test(path))
    expect(odd).toEqual([])
  })
})

describe('lines', () => {
  const sources = OURS.flatMap((folder) => filesBelow(folder, '.ts', '.rs', '.c', '.h', '.sh', 'run'))
  const tests = sources.filter((path) => path.endsWith('.test.ts') || path.endsWith('.contract.ts'))

  it('that switch a rule off say why', () => {
    expect(linesWith(/(eslint-disable|@ts-(expect-error|ignore|nocheck))(?!.*( -- |: ))/, ...others(sources))).toEqual(
      [],
    )
    expect(linesWith(/#!?\[(allow|expect)\((?!.*reason\s*=)(?!.*\/\/)/, ...others(sources))).toEqual([])
  })

  it('that title a test claim something, without "should"', () => {
    expect(linesWith(/^\s*(it|test)(\.\w+(\(.*?\))?)*\(\s*['"`]should\b/i, ...others(tests))).toEqual([])
  })

  it('leave no test focused, and none switched off without its reason', () => {
    expect(linesWith(/^\s*(it|test|describe)\.(only|todo|skip\((?!.*: ))/, ...others(tests))).toEqual([])
    expect(linesWith(/#\[ignore/, ...others(sources))).toEqual([])
  })

  it('leave nothing to be done later', () => {
    expect(linesWith(/\b(TODO|FIXME|XXX)\b/, ...others(sources))).toEqual([])
  })
})

describe('npm', () => {
  it('is told of no registry', () => {
    expect(textOf('.npmrc')).not.toMatch(/registry\s*=\s*\S*\/\//)
    expect(textOf('package-lock.json')).not.toMatch(/"resolved": "https?:/)
  })
})

/** This file quotes what it forbids. */
function others(paths: readonly string[]): readonly string[] {
  return paths.filter((path) => path !== 'tests/architecture/habits.test.ts')
}
