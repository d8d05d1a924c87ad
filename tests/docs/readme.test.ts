import { describe, expect, it } from 'vitest'
import { bashBlocks, runAsReader } from '../support/markdown.ts'
import { nodeForFile } from '../support/node.ts'

const node = await nodeForFile()

describe('README.md', () => {
  it('has lines that run as they stand, one after another, and do what the text says', async () => {
    const before = node.residue()
    const output = await runAsReader(bashBlocks('README.md').join('\n'), node.client.url)
    expect(output).toContain('"stdout":"hello from /tmp\\n"')
    expect(output).toContain('"stdout":"42\\n"')
    expect(output).toContain('"outcome":{"type":"timed_out","limit_ms":200}')
    expect(output).toContain('"stdout":"2 poem\\n"')
    expect(output).not.toContain('"error"')
    expect(node.residue()).toEqual(before)
  })
})

describe('docs/api.md', () => {
  const [first = '', ...blocks] = bashBlocks('docs/api.md')
  const files = { 'notes.txt': 'notes', 'model.bin': 'x'.repeat(1000) }
  const begin = `${first}
    ask() { curl -s "$@" | grep -oE '(sbx|cmd)_[0-9a-z]*' | head -n 1; }
    id=$(ask -X POST $atoll/v1/sandboxes)
    cid=$(ask --json '{"command": "cat", "background": true}' $atoll/v1/sandboxes/$id/commands)
    curl() { command curl -s -o answer -w '%{http_code}\\n' "$@"; }
    `

  it.each(blocks)('has lines that the server understands: %s', async (block) => {
    const statuses = (await runAsReader(begin + block, node.client.url, files)).trim().split('\n')
    expect(statuses).toHaveLength(block.match(/^curl /gm)?.length ?? 0)
    // What an earlier line has ended already is a conflict; what there is not, or is not meant, would be another 4xx.
    for (const status of statuses) expect(status).toMatch(/^(2\d\d|409)$/)
  })
})
