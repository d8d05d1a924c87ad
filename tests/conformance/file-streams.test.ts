import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { nodeForFile } from '../support/node.ts'
import { peakMemory } from '../support/processes.ts'

const GIB = 1024 ** 3
const MIB = 1024 ** 2
/** Room for what streams hold at a time, and for what a garbage collector has not yet looked at. */
const FLAT_BYTES = 128 * MIB

const node = await nodeForFile()

it('a file of 1 GB goes up and comes down byte by byte, with flat memory in server and supervisor', async () => {
  const sandbox = await node.client.create({ limits: { disk_bytes: GIB + 200 * MIB } })
  const { server, supervisor } = node
  const before = [forgetPeak(server), forgetPeak(supervisor)]
  const up = createHash('sha256')
  await node.client.ask(
    'PUT',
    sandbox.filePath('/tmp/big'),
    gibibyte((chunk) => up.update(chunk)),
  )
  const down = createHash('sha256')
  const response = await fetch(node.client.url + sandbox.filePath('/tmp/big'))
  expect(response.headers.get('content-length')).toBe(String(GIB))
  for await (const chunk of response.body ?? []) down.update(chunk as Uint8Array)
  expect(down.digest('hex')).toBe(up.digest('hex'))
  const grown = [server, supervisor].map((pid, index) => peakMemory(pid) - (before[index] ?? 0))
  expect(Math.max(...grown)).toBeLessThan(FLAT_BYTES)
  await sandbox.delete()
}, 60_000)

it('a reader who stops reading holds neither memory nor its neighbours', async () => {
  const sandbox = await node.client.create()
  await sandbox.run('truncate -s 500M /tmp/sparse')
  const before = [forgetPeak(node.server), forgetPeak(node.supervisor)]
  const gone = new AbortController()
  const response = await fetch(node.client.url + sandbox.filePath('/tmp/sparse'), { signal: gone.signal })
  await response.body?.getReader().read()
  for (let turn = 0; turn < 20; turn++) expect(await sandbox.text('echo quick')).toBe('quick\n')
  const grown = [node.server, node.supervisor].map((pid, index) => peakMemory(pid) - (before[index] ?? 0))
  expect(Math.max(...grown)).toBeLessThan(FLAT_BYTES)
  gone.abort()
  await sandbox.delete()
})

it('ten uploads and ten downloads at once are each their own', async () => {
  const sandbox = await node.client.create()
  const contents = Array.from({ length: 10 }, (_, index) => Buffer.alloc(3 * MIB + index, index + 1))
  await Promise.all(contents.map((content, index) => sandbox.put(`/tmp/${index}`, content)))
  const got = await Promise.all(contents.map((_, index) => sandbox.get(`/tmp/${index}`)))
  expect(got.map((content, index) => content.equals(contents[index] ?? Buffer.alloc(0)))).toEqual(
    contents.map(() => true),
  )
  await sandbox.delete()
})

it('a file that shrinks while it is read ends the transfer, and the server lives', async () => {
  const sandbox = await node.client.create()
  await sandbox.run('head -c 200000000 /dev/zero >/tmp/shrinks')
  const response = await fetch(node.client.url + sandbox.filePath('/tmp/shrinks'))
  const reader = response.body?.getReader()
  await reader?.read()
  await sandbox.run('truncate -s 0 /tmp/shrinks')
  const drained = (async () => {
    for (;;) if ((await reader?.read())?.done !== false) return
  })()
  await drained.catch(() => undefined)
  expect(await sandbox.text('echo alive')).toBe('alive\n')
  await sandbox.delete()
})

function gibibyte(look: (chunk: Uint8Array) => void): ReadableStream<Uint8Array> {
  let sent = 0
  return new ReadableStream({
    pull: (controller) => {
      if (sent === GIB) {
        controller.close()
        return
      }
      const chunk = Buffer.alloc(MIB, (sent / MIB) % 251)
      sent += chunk.length
      look(chunk)
      controller.enqueue(chunk)
    },
  })
}

/** From now on the peak is counted afresh. Answers what is resident now. */
function forgetPeak(pid: number): number {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
  return peakMemory(pid)
}
