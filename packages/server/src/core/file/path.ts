import { CoreError } from '../errors.ts'
import type { FilePath } from './file.ts'

/** The kernel takes no longer one (PATH_MAX, with its NUL). */
const LONGEST_PATH_BYTES = 4095
const SLASH = 0x2f

/** The absolute path that a user means who stands in `cwd`. `file.path_invalid` where no file can be called so. */
export function absolutePath(cwd: string, path: FilePath): FilePath {
  if (path.length === 0) throw pathInvalid(path, 'must not be empty')
  if (path.includes(0)) throw pathInvalid(path, 'must not contain NUL')
  const absolute = path[0] === SLASH ? path : Buffer.concat([Buffer.from(cwd), Buffer.from('/'), path])
  if (absolute.length > LONGEST_PATH_BYTES) throw pathInvalid(path, `must be no more than ${LONGEST_PATH_BYTES} bytes`)
  return absolute
}

/** A folder as its entries shall show it: without `.`, doubled slashes and a slash at the end. `..` is the kernel's to walk. */
export function folderPath(path: FilePath): FilePath {
  // Latin-1 keeps every byte.
  const parts = Buffer.from(path)
    .toString('latin1')
    .split('/')
    .filter((part) => part !== '' && part !== '.')
  return Buffer.from(`/${parts.join('/')}`, 'latin1')
}

/** {@link absolutePath} of a path that came as text. */
export const absoluteText = (cwd: string, path: string): FilePath => absolutePath(cwd, Buffer.from(path))

/** Bytes that are not UTF-8 show as replacement characters. */
export const pathText = (path: FilePath): string => Buffer.from(path).toString()

function pathInvalid(path: FilePath, reason: string): CoreError {
  return new CoreError('file.path_invalid', `the path ${reason}`, { path: pathText(path), reason })
}
