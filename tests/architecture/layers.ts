import type { ImportGraph } from './sources.ts'

/** Who may import whom. What is not named here may import nothing of ours outside its own folder. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  config: [],
  drivers: ['core'],
  store: ['core'],
  languages: ['core'],
  images: ['core'],
  http: ['core'],
  dialects: ['core', 'http'],
  cluster: ['core', 'http'],
  app: ['core', 'config', 'drivers', 'store', 'languages', 'images', 'http', 'dialects', 'cluster'],
  main: ['app', 'config'],
  sdk: [],
  cli: ['sdk', 'app', 'main'],
  web: ['sdk'],
}

/** Layers whose folders are plug-ins: siblings that do not know one another. */
const PLUGIN_LAYERS = new Set(['drivers', 'store', 'dialects', 'cluster'])

/** The builtin modules that core may use: computation only, nothing that reaches outside the process. */
const CORE_MAY_USE = new Set(['node:buffer', 'node:crypto', 'node:events', 'node:util'])

interface Place {
  readonly layer: string
  readonly plugin: string | undefined
}

/** Where a module of ours stands; `undefined` for packages, builtins and a package's own manifest. */
function placeOf(path: string): Place | undefined {
  const [packages, name, source, first, second, third] = path.split('/')
  if (packages !== 'packages' || name === undefined || source !== 'src') return undefined
  if (name !== 'server') return { layer: name, plugin: undefined }
  const layer = first?.replace(/\.ts$/, '') ?? ''
  return { layer, plugin: PLUGIN_LAYERS.has(layer) && third !== undefined ? second : undefined }
}

function mayImport(from: Place, to: Place): boolean {
  if (from.layer !== to.layer) return MAY_IMPORT[from.layer]?.includes(to.layer) ?? false
  return from.plugin === to.plugin || to.plugin === undefined
}

/** Each import that points another way than allowed, as `from -> to`. Tests wire what they like. */
export function forbiddenImports(graph: ImportGraph): readonly string[] {
  return [...graph].flatMap(([path, imports]) => {
    const from = placeOf(path)
    if (from === undefined || path.endsWith('.test.ts')) return []
    const forbidden = imports.filter((name) => {
      const to = placeOf(name)
      if (to !== undefined) return !mayImport(from, to)
      return from.layer === 'core' && !path.endsWith('.contract.ts') && !CORE_MAY_USE.has(name)
    })
    return forbidden.map((name) => `${path} -> ${name}`)
  })
}

/** Each cycle of imports once, as the path from a module back to itself. */
export function importCycles(graph: ImportGraph): readonly string[] {
  const done = new Set<string>()
  const cycles: string[] = []
  const walk = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path)
    if (start >= 0) cycles.push([...trail.slice(start), path].join(' -> '))
    if (start >= 0 || done.has(path)) return
    for (const next of graph.get(path) ?? []) walk(next, [...trail, path])
    done.add(path)
  }
  for (const path of graph.keys()) walk(path, [])
  return cycles
}
