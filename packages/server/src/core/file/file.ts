/** An absolute path inside a sandbox: bytes, no NUL. */
export type FilePath = Uint8Array

export type FileType = 'file' | 'directory' | 'symlink' | 'fifo' | 'socket' | 'device'

export interface FileEntry {
  readonly path: FilePath
  readonly type: FileType
  readonly sizeBytes: number
  /** Permission bits, `0o7777` at most. */
  readonly mode: number
  readonly modifiedAtMs: number
  readonly linkTarget: Uint8Array | undefined
}

export interface FileOpened {
  readonly entry: FileEntry
  readonly content: AsyncIterable<Uint8Array>
}
