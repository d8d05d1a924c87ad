import type { FileEntry, FileOpened, FilePath } from '../../core/file/file.ts'
import type { SandboxId } from '../../core/ids.ts'
import type { DriverFiles } from '../../core/ports/sandbox-driver.ts'
import { type AskFile, askFile } from './ask-file.ts'
import type { Carrier } from './ask.ts'
import { readSlices } from './read-slices.ts'
import { fromWireEntry } from './translate.ts'
import { writeSlices } from './write-slices.ts'

/** The files of all sandboxes, reached through their init processes. */
export class NamespacesFiles implements DriverFiles {
  readonly #carrier: Carrier

  constructor(carrier: Carrier) {
    this.#carrier = carrier
  }

  async stat(id: SandboxId, path: FilePath, { follow }: { readonly follow: boolean }): Promise<FileEntry> {
    const { entry } = await this.#at(id, path)('Entry', { type: 'Stat', path, follow })
    return fromWireEntry(entry)
  }

  async list(
    id: SandboxId,
    path: FilePath,
    options: { readonly depth: number; readonly limit: number; readonly after?: FilePath },
  ): Promise<{ readonly entries: readonly FileEntry[]; readonly more: boolean }> {
    const { depth, limit, after } = options
    const { entries, more } = await this.#at(id, path)('Entries', { type: 'List', path, depth, after, limit })
    return { entries: entries.map(fromWireEntry), more }
  }

  async open(
    id: SandboxId,
    path: FilePath,
    range: { readonly offset: number; readonly length?: number } = { offset: 0 },
  ): Promise<FileOpened> {
    const asking = this.#at(id, path)
    const op = { type: 'Open', path, offset: range.offset, length: range.length } as const
    const { entry, bytes, handle } = await asking('Opened', op)
    return { entry: fromWireEntry(entry), content: readSlices(asking, bytes, handle) }
  }

  async put(
    id: SandboxId,
    path: FilePath,
    content: AsyncIterable<Uint8Array> | Uint8Array,
    { mode }: { readonly mode?: number },
  ): Promise<FileEntry> {
    return fromWireEntry(await writeSlices(this.#at(id, path), path, content, mode))
  }

  async remove(id: SandboxId, path: FilePath, { recursive }: { readonly recursive: boolean }): Promise<void> {
    await this.#at(id, path)('Done', { type: 'Remove', path, recursive })
  }

  async mkdir(id: SandboxId, path: FilePath, { mode }: { readonly mode?: number }): Promise<void> {
    await this.#at(id, path)('Done', { type: 'Mkdir', path, mode })
  }

  async move(
    id: SandboxId,
    from: FilePath,
    to: FilePath,
    { overwrite }: { readonly overwrite: boolean },
  ): Promise<void> {
    await this.#at(id, from)('Done', { type: 'Move', from, to, overwrite })
  }

  #at(id: SandboxId, path: FilePath): AskFile {
    return askFile(this.#carrier, id, path)
  }
}
