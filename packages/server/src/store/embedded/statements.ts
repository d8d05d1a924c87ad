import type { DatabaseSync, StatementSync } from 'node:sqlite'

/** All that the store asks of its file. */
export type Statements = { readonly [S in keyof typeof SQL]: StatementSync }

const SQL = {
  insert: `INSERT INTO sandboxes (id, node, incarnation, revision, state, created_at_ms, expires_at_ms, body)
    SELECT ?, ?, ?, ?, ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM tombstones WHERE id = ?)
    ON CONFLICT DO NOTHING`,
  get: 'SELECT state, body FROM sandboxes WHERE id = ?',
  update: `UPDATE sandboxes SET revision = ?, expires_at_ms = ?, body = ?
    WHERE id = ? AND incarnation = ? AND revision = ? AND state = ?`,
  move: 'UPDATE sandboxes SET state = ? WHERE id = ? AND incarnation = ? AND state = ?',
  remove: 'DELETE FROM sandboxes WHERE id = ? AND incarnation = ?',
  bury: 'INSERT INTO tombstones (id, node, reason, until_ms) VALUES (?, ?, ?, ?)',
  records: 'SELECT state, body FROM sandboxes WHERE node = ? ORDER BY created_at_ms, id',
  expired: `SELECT id FROM sandboxes WHERE node = ? AND state = 'running' AND expires_at_ms <= ?
    ORDER BY created_at_ms, id`,
  tombstones: `SELECT id, node, reason, until_ms AS untilMs FROM tombstones WHERE node = ? AND until_ms > ?
    ORDER BY until_ms, id`,
  forget: 'DELETE FROM tombstones WHERE until_ms <= ?',
} as const

/** Compiles them once: a compiled statement costs microseconds. */
export function statements(database: DatabaseSync): Statements {
  const compiled = Object.entries(SQL).map(([name, text]) => [name, database.prepare(text)] as const)
  return Object.fromEntries(compiled) as Statements
}
