import { describe, expect, it } from 'vitest'
import { forbiddenImports, importCycles } from './layers.ts'
import { filesBelow, importGraph, importsOf } from './sources.ts'

describe('the tree', () => {
  const graph = importGraph(filesBelow('packages', '.ts', '.tsx'))

  it('has modules to check', () => {
    expect(graph.size).toBeGreaterThan(10)
  })

  it('imports only the allowed way', () => {
    expect(forbiddenImports(graph)).toEqual([])
  })

  it('has no cycle of imports, types included', () => {
    expect(importCycles(graph)).toEqual([])
  })
})

describe('the check itself', () => {
  const server = (path: string) => `packages/server/src/${path}`
  const forbidden = (from: string, to: string) => forbiddenImports(new Map([[from, [to]]])).length === 1

  it.each([
    ['core', 'a driver', server('core/bad.ts'), server('drivers/fake/index.ts')],
    ['core', 'the file system', server('core/bad.ts'), 'node:fs'],
    ['core', 'a package', server('core/bad.ts'), 'fastify'],
    ['a driver', 'another driver', server('drivers/remote/bad.ts'), server('drivers/fake/index.ts')],
    ['a dialect', 'another dialect', server('dialects/sos/routes/bad.ts'), server('dialects/native/wire.ts')],
    ['a dialect', 'a store', server('dialects/native/bad.ts'), server('store/embedded/index.ts')],
    ['http', 'a dialect', server('http/bad.ts'), server('dialects/native/index.ts')],
    ['the SDK', 'the server', 'packages/sdk/src/index.ts', server('core/errors.ts')],
    ['the CLI', 'core', 'packages/cli/src/main.ts', server('core/errors.ts')],
    ['a new layer', 'core', server('surprise/index.ts'), server('core/errors.ts')],
  ])('refuses that %s imports %s', (_from, _to, from, to) => {
    expect(forbidden(from, to)).toBe(true)
  })

  it.each([
    ['a dialect', 'what dialects share', server('dialects/native/index.ts'), server('http/dialect.ts')],
    ['a driver', 'its port', server('drivers/fake/index.ts'), server('core/ports/sandbox-driver.ts')],
    ['a driver', 'its own files', server('drivers/fake/index.ts'), server('drivers/fake/files.ts')],
    ['the composition root', 'a concrete driver', server('app.ts'), server('drivers/fake/index.ts')],
    ['the CLI', 'the composition root', 'packages/cli/src/main.ts', server('app.ts')],
  ])('allows that %s imports %s', (_from, _to, from, to) => {
    expect(forbidden(from, to)).toBe(false)
  })

  it('finds a cycle, through a module that stands in two of them too', () => {
    const graph = new Map([
      ['a', ['b']],
      ['b', ['c', 'a']],
      ['c', ['b']],
    ])
    expect(importCycles(graph)).toEqual(['b -> c -> b', 'a -> b -> a'])
  })

  it('reads every form of import', () => {
    const text = [
      "import type { A } from './a.ts'",
      "import { b,\n  c } from '../b.ts'",
      "export * from './c.ts'",
      "import './d.ts'",
      "const e = await import('./e.ts')",
      "import serve from '@atoll/server/main'",
      "const text = `nothing from 'here'`",
    ].join('\n')
    expect(importsOf('packages/cli/src/main.ts', text)).toEqual([
      'packages/cli/src/a.ts',
      'packages/cli/b.ts',
      'packages/cli/src/c.ts',
      'packages/cli/src/d.ts',
      'packages/cli/src/e.ts',
      'packages/server/src/main.ts',
    ])
  })
})
