import type { DatabaseSync } from 'node:sqlite'

import { CoreError } from '../../core/errors.ts'

/** Raised with every change of the tables. */
const VERSION = 1

/** `Atol`: tells a file of ours from any other database. */
const APPLICATION_ID = 0x41746f6c

/** `body` is the record as JSON; the columns beside it are what is compared, searched and changed alone. */
const TABLES = `
  CREATE TABLE sandboxes (
    id TEXT PRIMARY KEY,
    node TEXT NOT NULL,
    incarnation INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    state TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    body TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX sandboxes_by_expiry ON sandboxes (node, state, expires_at_ms);
  CREATE TABLE tombstones (
    id TEXT PRIMARY KEY,
    node TEXT NOT NULL,
    reason TEXT NOT NULL,
    until_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX tombstones_by_end ON tombstones (until_ms);
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${VERSION};
`

/** How long a writer waits for another process's transaction; the server stands still meanwhile. */
const BUSY_MS = 500

/** Makes the tables where the file is new; refuses a file that is damaged, not ours, or of another version. */
export function prepare(database: DatabaseSync): void {
  database.exec(`PRAGMA busy_timeout = ${BUSY_MS}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL`)
  database.exec('BEGIN IMMEDIATE')
  try {
    const version = pragma(database, 'user_version')
    const isNew = version === 0 && pragma(database, 'schema_version') === 0
    if (isNew) database.exec(TABLES)
    else check(database, version)
    database.exec('COMMIT')
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

function check(database: DatabaseSync, version: unknown): void {
  if (pragma(database, 'application_id') !== APPLICATION_ID) throw refused('the file is a database of something else')
  if (version !== VERSION) throw refused(`the file has version ${String(version)}, this server knows ${VERSION}`)
  if (pragma(database, 'quick_check') !== 'ok') throw refused('the file is damaged')
}

function pragma(database: DatabaseSync, name: string): unknown {
  return Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0]
}

function refused(why: string): CoreError {
  const reason = `the store: ${why}`
  return new CoreError('runtime.unavailable', reason, { reason })
}
