import { CoreError, type ErrorDetails } from '../../../core/errors.ts'
import type { FileEntry, FileType } from '../../../core/file/file.ts'
import { Input } from '../shell/input.ts'

/** A file system node. Names and targets are bytes, kept as latin1 text: one character a byte. */
export interface Node {
  type: FileType
  mode: number
  modifiedAtMs: number
  content: Uint8Array
  target: string
  readonly children: Map<string, Node>
}

/** Where a path leads: its folder, and what is called so in there, if anything. */
export interface Place {
  readonly path: string
  readonly folder: Node
  readonly name: string
  readonly node: Node | undefined
}

type PathCode = { [C in keyof ErrorDetails]: ErrorDetails[C] extends { path: string } ? C : never }[keyof ErrorDetails]
type PlainPathCode = { [C in PathCode]: { path: string } extends ErrorDetails[C] ? C : never }[PathCode]

const MOST_LINKS = 40
const READ_ONLY = new Set(['/usr', '/etc', '/dev', '/'])
const FOLDERS = ['usr', 'etc', 'dev', 'tmp', 'workspace', 'home', 'home/sandboxuser', 'root']

/** The file system of one sandbox, in memory and of bounded size. */
export class FakeTree {
  readonly #root: Node
  readonly #maxBytes: number
  readonly #now: () => number

  constructor(maxBytes: number, now: () => number) {
    this.#maxBytes = maxBytes
    this.#now = now
    this.#root = this.#node('directory', 0o755)
    for (const path of FOLDERS) {
      const { folder, name } = this.locate(`/${path}`)
      folder.children.set(name, this.#node('directory', 0o755))
    }
    const dev = this.#root.children.get('dev')
    for (const name of ['null', 'zero']) dev?.children.set(name, this.#node('device', 0o666))
  }

  /** Follows symlinks on the way, and at the end too if `follow`. The folder must exist, the node need not. */
  locate(path: string, follow = true, links = 0): Place {
    if (links > MOST_LINKS) throw new CoreError('file.failed', 'too many links', { path: show(path), errno: 'ELOOP' })
    const walked: { readonly name: string; readonly node: Node }[] = [{ name: '', node: this.#root }]
    const names = path.split('/').filter((name) => name !== '' && name !== '.')
    for (const [index, name] of names.entries()) {
      const last = index === names.length - 1
      const folder = walked.at(-1)?.node ?? this.#root
      if (folder.type !== 'directory') throw fault('file.not_directory', path)
      if (name === '..') {
        if (walked.length > 1) walked.pop()
        continue
      }
      const node = folder.children.get(name)
      const at = walked.map((step) => step.name).join('/')
      if (node?.type === 'symlink' && (follow || !last)) {
        const start = node.target.startsWith('/') ? node.target : `${at}/${node.target}`
        return this.locate([start, ...names.slice(index + 1)].join('/'), follow, links + 1)
      }
      if (last) return { path: `${at}/${name}`, folder, name, node }
      if (node === undefined) throw fault('file.not_found', path)
      walked.push({ name, node })
    }
    const here = walked.at(-1) ?? { name: '', node: this.#root }
    const path_ = walked.map((step) => step.name).join('/') || '/'
    return { path: path_, folder: walked.at(-2)?.node ?? this.#root, name: here.name, node: here.node }
  }

  existing(path: string, follow = true): Place & { readonly node: Node } {
    const place = this.locate(path, follow)
    const { node } = place
    if (node === undefined) throw fault('file.not_found', path)
    return { ...place, node }
  }

  regular(path: string): Node {
    const { node } = this.existing(path)
    if (node.type === 'file') return node
    throw fault(node.type === 'directory' ? 'file.is_directory' : 'file.not_regular', path)
  }

  /** Puts a file in the place of what is there, whole. */
  put(path: string, content: Uint8Array, mode: number | undefined): Place & { readonly node: Node } {
    const place = this.locate(path)
    const { folder, name, node } = place
    if (node !== undefined && node.type !== 'file') throw fault('file.not_regular', path)
    this.refuseReadOnly(place)
    if (this.#used() - (node?.content.length ?? 0) + content.length > this.#maxBytes) throw fault('file.no_space', path)
    const file = { ...this.#node('file', mode ?? node?.mode ?? 0o644), content }
    folder.children.set(name, file)
    return { ...place, node: file }
  }

  /** Makes a folder and its parents; one that is there stays. */
  makeFolders(path: string, mode: number | undefined): void {
    this.makeParents(path)
    const place = this.locate(path)
    if (place.node?.type === 'directory') return
    if (place.node !== undefined) throw fault('file.exists', path)
    this.refuseReadOnly(place)
    place.folder.children.set(place.name, this.#node('directory', mode ?? 0o755))
  }

  makeParents(path: string): void {
    const parent = path.slice(0, path.lastIndexOf('/'))
    if (parent === '') return
    this.makeParents(parent)
    const place = this.locate(parent)
    if (place.node?.type === 'directory') return
    if (place.node !== undefined) throw fault('file.not_directory', path)
    this.refuseReadOnly(place)
    place.folder.children.set(place.name, this.#node('directory', 0o755))
  }

  refuseReadOnly({ path }: Place): void {
    const folder = path.slice(0, path.lastIndexOf('/')) || '/'
    if (READ_ONLY.has(folder) || READ_ONLY.has(path)) throw fault('file.read_only', path)
  }

  // What the shell's programs need; paths begin at `cwd`.

  folder(cwd: string, path: string): string {
    const place = this.existing(join(cwd, path))
    if (place.node.type !== 'directory') throw fault('file.not_directory', path)
    return place.path
  }

  read(cwd: string, path: string): Uint8Array {
    return this.regular(join(cwd, path)).content
  }

  input(cwd: string, path: string): Input {
    return new Input(path === '/dev/null' ? undefined : this.read(cwd, path), false)
  }

  write(cwd: string, path: string, content: Uint8Array): void {
    if (path !== '/dev/null') this.put(join(cwd, path), content, undefined)
  }

  append(cwd: string, path: string, content: Uint8Array): void {
    if (path === '/dev/null') return
    const { node } = this.locate(join(cwd, path))
    this.put(join(cwd, path), Buffer.concat([node?.content ?? new Uint8Array(), content]), undefined)
  }

  makeFifo(cwd: string, path: string): void {
    const { folder, name } = this.#free(join(cwd, path))
    folder.children.set(name, this.#node('fifo', 0o644))
  }

  makeLink(cwd: string, path: string, target: string): void {
    const { folder, name } = this.#free(join(cwd, path))
    folder.children.set(name, { ...this.#node('symlink', 0o777), target: Buffer.from(target).toString('latin1') })
  }

  #free(path: string): Place {
    const place = this.locate(path, false)
    if (place.node !== undefined) throw fault('file.exists', path)
    this.refuseReadOnly(place)
    return place
  }

  #node(type: FileType, mode: number): Node {
    return { type, mode, modifiedAtMs: this.#now(), content: new Uint8Array(), target: '', children: new Map() }
  }

  #used(node = this.#root): number {
    return [...node.children.values()].reduce((sum, child) => sum + this.#used(child), node.content.length)
  }
}

export function entryOf(path: string, node: Node): FileEntry {
  const { type, mode, modifiedAtMs, content, target } = node
  return {
    path: Buffer.from(path, 'latin1'),
    type,
    sizeBytes: type === 'symlink' ? target.length : content.length,
    mode,
    modifiedAtMs,
    linkTarget: type === 'symlink' ? Buffer.from(target, 'latin1') : undefined,
  }
}

/** A failure of a file operation. */
export const fault = (code: PlainPathCode, path: string): CoreError =>
  new CoreError(code, code.slice('file.'.length).replaceAll('_', ' '), { path: show(path) })

/** From shell text to a path of this tree. */
function join(cwd: string, path: string): string {
  const bytes = Buffer.from(path).toString('latin1')
  return path.startsWith('/') ? bytes : `${cwd}/${bytes}`
}

const show = (path: string): string => Buffer.from(path, 'latin1').toString()
