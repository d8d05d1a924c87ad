import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const ROOT = resolve(import.meta.dirname, '../..')
const DEFAULT_ADDRESS = 'http://127.0.0.1:8080'
const run = promisify(execFile)

/** The blocks of a page that are marked as `bash`, in order. */
export const bashBlocks = (page: string): readonly string[] =>
  [...readFileSync(join(ROOT, page), 'utf8').matchAll(/^```bash\n(.*?)^```$/gms)].map(([, block]) => block ?? '')

/** Runs a script as a reader would, in a folder with the given files, the default address replaced. Its standard output. */
export async function runAsReader(
  script: string,
  address: string,
  files: Readonly<Record<string, string>> = {},
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'atoll-docs-'))
  try {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
    const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', script.replaceAll(DEFAULT_ADDRESS, address)], {
      cwd: folder,
    })
    return stdout
  } finally {
    rmSync(folder, { recursive: true })
  }
}
