import { CoreError } from '../../../core/errors.ts'
import type { FileEntry, FileOpened, FilePath } from '../../../core/file/file.ts'
import type { SandboxId } from '../../../core/ids.ts'
import type { DriverFiles } from '../../../core/ports/sandbox-driver.ts'
import { entryOf, type FakeTree, fault, type Node } from './fake-tree.ts'

const SLICE_BYTES = 64 * 1024

/** The file operations of the fake, on the trees of its sandboxes. */
export class FakeFiles implements DriverFiles {
  readonly #treeOf: (id: SandboxId) => FakeTree

  constructor(treeOf: (id: SandboxId) => FakeTree) {
    this.#treeOf = treeOf
  }

  async stat(id: SandboxId, path: FilePath, { follow }: { readonly follow: boolean }): Promise<FileEntry> {
    return entryOf(decode(path), this.#treeOf(id).existing(decode(path), follow).node)
  }

  async list(
    id: SandboxId,
    path: FilePath,
    { depth, limit, after }: { readonly depth: number; readonly limit: number; readonly after?: FilePath },
  ): Promise<{ readonly entries: readonly FileEntry[]; readonly more: boolean }> {
    const base = decode(path)
    const { node } = this.#treeOf(id).existing(base)
    if (node.type !== 'directory') throw fault('file.not_directory', base)
    const all = [...walk(base.replace(/\/+$/, ''), node, depth)]
    const sorted = all.sort((a, b) => Buffer.compare(a.path, b.path))
    const behind = after === undefined ? sorted : sorted.filter((entry) => Buffer.compare(entry.path, after) > 0)
    return { entries: behind.slice(0, limit), more: behind.length > limit }
  }

  async open(
    id: SandboxId,
    path: FilePath,
    range: { readonly offset: number; readonly length?: number } = { offset: 0 },
  ): Promise<FileOpened> {
    const node = this.#treeOf(id).regular(decode(path))
    const end = range.length === undefined ? undefined : range.offset + range.length
    return { entry: entryOf(decode(path), node), content: slices(node.content.subarray(range.offset, end)) }
  }

  async put(
    id: SandboxId,
    path: FilePath,
    content: AsyncIterable<Uint8Array> | Uint8Array,
    { mode }: { readonly mode?: number },
  ): Promise<FileEntry> {
    const at = decode(path)
    const tree = this.#treeOf(id)
    tree.makeParents(at)
    const bytes = content instanceof Uint8Array ? content : Buffer.concat(await Array.fromAsync(content))
    return entryOf(at, this.#treeOf(id).put(at, Uint8Array.from(bytes), mode).node)
  }

  async remove(id: SandboxId, path: FilePath, { recursive }: { readonly recursive: boolean }): Promise<void> {
    const tree = this.#treeOf(id)
    const place = tree.existing(decode(path), false)
    tree.refuseReadOnly(place)
    if (place.node.children.size > 0 && !recursive) throw fault('file.not_empty', decode(path))
    place.folder.children.delete(place.name)
  }

  async mkdir(id: SandboxId, path: FilePath, { mode }: { readonly mode?: number }): Promise<void> {
    this.#treeOf(id).makeFolders(decode(path), mode)
  }

  async move(
    id: SandboxId,
    from: FilePath,
    to: FilePath,
    { overwrite }: { readonly overwrite: boolean },
  ): Promise<void> {
    const tree = this.#treeOf(id)
    const source = tree.existing(decode(from), false)
    const target = tree.locate(decode(to), false)
    tree.refuseReadOnly(source)
    tree.refuseReadOnly(target)
    if (target.node !== undefined) refuseOverwrite(source.node, target.node, decode(to), overwrite)
    source.folder.children.delete(source.name)
    target.folder.children.set(target.name, source.node)
  }
}

function refuseOverwrite(source: Node, target: Node, path: string, overwrite: boolean): void {
  if (!overwrite) throw fault('file.exists', path)
  if (target.type !== 'directory') return
  if (source.type !== 'directory') throw fault('file.is_directory', path)
  if (target.children.size > 0) throw fault('file.not_empty', path)
}

function* walk(base: string, folder: Node, depth: number): Generator<FileEntry> {
  for (const [name, node] of folder.children) {
    const path = `${base}/${name}`
    yield entryOf(path, node)
    if (depth > 1 && node.type === 'directory') yield* walk(path, node, depth - 1)
  }
}

async function* slices(content: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < content.length; start += SLICE_BYTES) yield content.subarray(start, start + SLICE_BYTES)
}

function decode(path: FilePath): string {
  const text = Buffer.from(path).toString('latin1')
  const reason = text.includes('\0') ? 'must not contain NUL' : 'must be absolute'
  if (text.startsWith('/') && !text.includes('\0')) return text
  throw new CoreError('file.path_invalid', `the path ${reason}`, { path: Buffer.from(path).toString(), reason })
}
