import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

/** The checkout. */
export const ROOT = resolve(import.meta.dirname, '../..')

const NOT_OURS = new Set(['node_modules', 'target', 'dist', 'coverage', '.git'])

/** Every file of ours below `folder` whose name ends with one of `endings`, by its path from the root. */
export function filesBelow(folder: string, ...endings: readonly string[]): readonly string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && endings.some((ending) => entry.name.endsWith(ending)))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .filter((path) => !path.split('/').some((part) => NOT_OURS.has(part)))
    .sort()
}

export const textOf = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

/** What each module imports: paths from the root for modules of ours, names for packages. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>

// Statements only: `from` behind an import or export list, a bare import, an import expression with a literal.
const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s[^'"`;]*?from\s*'([^']+)'|(?:^|\n)\s*import\s*'([^']+)'|\bimport\(\s*'([^']+)'/g

/** The modules that the packages of this repository export, by the name that imports them. */
const OWN_EXPORTS: ReadonlyMap<string, string> = new Map(
  filesBelow('packages', 'package.json').flatMap((path) => {
    const { name, exports = {} } = JSON.parse(textOf(path)) as { name: string; exports?: Record<string, string> }
    return Object.entries(exports).map(([entry, file]) => [join(name, entry), join(dirname(path), file)] as const)
  }),
)

export function importsOf(path: string, text: string): readonly string[] {
  return [...text.matchAll(IMPORT)].map(([, list, bare, expression]) => {
    const name = list ?? bare ?? expression ?? ''
    return name.startsWith('.') ? join(dirname(path), name) : (OWN_EXPORTS.get(name) ?? name)
  })
}

export function importGraph(paths: readonly string[]): ImportGraph {
  return new Map(paths.map((path) => [path, importsOf(path, textOf(path))]))
}
