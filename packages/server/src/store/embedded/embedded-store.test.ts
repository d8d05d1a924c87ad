import { mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { aRecord, storeContract } from '../../core/ports/store.contract.ts'
import { EmbeddedStore } from './embedded-store.ts'

let folder: string
const file = () => join(folder, 'store.sqlite')

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'atoll-store-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

storeContract({
  name: 'embedded',
  open: async () => {
    const store = EmbeddedStore.open({ path: file() })
    return { store, second: async () => EmbeddedStore.open({ path: file() }), close: () => store.close() }
  },
})

describe('the embedded store', () => {
  it('knows its records again when it is opened again', async () => {
    const [first, record] = [EmbeddedStore.open({ path: file() }), aRecord()]
    await first.insert(record)
    await first.close()
    const second = EmbeddedStore.open({ path: file() })
    expect(await second.get(record.id)).toEqual(record)
    await second.close()
  })

  it('has what it promised even if it is never closed', async () => {
    const [first, record] = [EmbeddedStore.open({ path: file() }), aRecord()]
    await first.insert(record)
    const second = EmbeddedStore.open({ path: file() })
    expect(await second.get(record.id)).toEqual(record)
    await Promise.all([first.close(), second.close()])
  })

  it('writes what was asked for before it closes', async () => {
    const [first, record] = [EmbeddedStore.open({ path: file() }), aRecord()]
    const inserted = first.insert(record)
    await first.close()
    expect(await inserted).toBe(true)
  })

  it('lets nobody else read its file', async () => {
    const store = EmbeddedStore.open({ path: file() })
    await store.insert(aRecord())
    for (const name of [file(), `${file()}-wal`, `${file()}-shm`]) expect(statSync(name).mode & 0o777).toBe(0o600)
    await store.close()
  })

  it('says that the disk is full, keeps what it had, and writes again when there is room', async () => {
    const store = EmbeddedStore.open({ path: file(), maxBytes: 128 * 1024 })
    const first = aRecord()
    await store.insert(first)
    const large = aRecord({ metadata: { text: 'x'.repeat(256 * 1024) } })
    await expect(store.insert(large)).rejects.toMatchObject({ code: 'store.disk_full', kind: 'disk_full' })
    expect(await store.records('here')).toEqual([first])
    expect(await store.remove(first.id, 1)).toBe(true)
    expect(await store.insert(aRecord())).toBe(true)
    await store.close()
  })

  it('one that fails takes nobody else of its group down unheard: all are told', async () => {
    const store = EmbeddedStore.open({ path: file(), maxBytes: 128 * 1024 })
    const large = aRecord({ metadata: { text: 'x'.repeat(256 * 1024) } })
    const answers = await Promise.allSettled([store.insert(aRecord()), store.insert(large)])
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await store.records('here')).toEqual([])
    await store.close()
  })

  it('refuses to open what is no database', () => {
    writeFileSync(file(), 'x'.repeat(5000))
    expect(() => EmbeddedStore.open({ path: file() })).toThrow(expect.objectContaining({ code: 'runtime.unavailable' }))
  })

  it('refuses to open a damaged file', async () => {
    const store = EmbeddedStore.open({ path: file() })
    for (let i = 0; i < 50; i++) await store.insert(aRecord({ metadata: { text: 'x'.repeat(1000) } }))
    await store.close()
    truncateSync(file(), 12 * 1024)
    expect(() => EmbeddedStore.open({ path: file() })).toThrow(expect.objectContaining({ code: 'runtime.unavailable' }))
  })

  it('refuses to open a database of something else', () => {
    const other = new DatabaseSync(file())
    other.exec('CREATE TABLE notes (text TEXT)')
    other.close()
    expect(() => EmbeddedStore.open({ path: file() })).toThrow('something else')
  })

  it('refuses to open a file of another version', async () => {
    await EmbeddedStore.open({ path: file() }).close()
    const other = new DatabaseSync(file())
    other.exec('PRAGMA user_version = 99')
    other.close()
    expect(() => EmbeddedStore.open({ path: file() })).toThrow('version 99')
  })

  it('says why when the file cannot be made', () => {
    const opening = () => EmbeddedStore.open({ path: join(folder, 'a-file', 'store.sqlite') })
    writeFileSync(join(folder, 'a-file'), '')
    expect(opening).toThrow(expect.objectContaining({ code: 'runtime.unavailable' }))
  })

  it('says why when another process holds the file', async () => {
    const store = EmbeddedStore.open({ path: file() })
    const other = new DatabaseSync(file())
    other.exec('BEGIN IMMEDIATE')
    await expect(store.insert(aRecord())).rejects.toMatchObject({ code: 'runtime.unavailable' })
    other.exec('ROLLBACK')
    other.close()
    expect(await store.insert(aRecord())).toBe(true)
    await store.close()
  })
})
