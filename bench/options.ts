import { parseArgs } from 'node:util'
import type { Row } from './figure.ts'

/** A command line that makes no sense; the message names the flag. */
export class UsageError extends Error {
  override name = 'UsageError'
}

export interface Options {
  readonly help: boolean
  readonly quick: boolean
  /** `undefined`: a name made of the time, in `bench/results/`. */
  readonly json: string | undefined
  readonly rows: readonly Row[]
  /** Earlier results whose medians are wanted, and nothing new. */
  readonly medianOf: readonly string[]
}

export function readOptions(args: readonly string[], rows: readonly Row[]): Options {
  const { values, positionals } = parse(args)
  if (positionals.length > 0 && values['median-of'] !== true)
    throw new UsageError(`${positionals[0] ?? ''}: no such option`)
  if (values['median-of'] === true && positionals.length === 0) throw new UsageError('--median-of: wants files')
  return {
    help: values.help ?? false,
    quick: values.quick ?? false,
    json: values.json,
    rows: chosen(
      rows,
      values.only?.flatMap((names) => names.split(',')),
    ),
    medianOf: positionals,
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        quick: { type: 'boolean' },
        json: { type: 'string' },
        only: { type: 'string', multiple: true },
        'median-of': { type: 'boolean' },
      },
    })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function chosen(rows: readonly Row[], names: readonly string[] | undefined): readonly Row[] {
  const unknown = names?.find((name) => !rows.some((row) => row.name === name))
  if (unknown !== undefined) throw new UsageError(`--only: there is no row ${unknown} (see --help)`)
  return names === undefined ? rows : rows.filter(({ name }) => names.includes(name))
}

export function manual(rows: readonly Row[]): string {
  return `npm run bench -- [option ...]: measures, prints one table, writes JSON beside it

  --only ROW        only this row; may be given several times, or names between commas
  --quick           short: to see that it runs, not how fast
  --json FILE       where the JSON goes; by default a file named by the time in bench/results/
  --median-of FILE ...
                    measures nothing: prints the medians of earlier results
  --help            this

Rows:
${rows.map(({ name, about }) => `  ${name.padEnd(16)}  ${about}`).join('\n')}

Every answer is checked, and a wrong one fails the bench. A goal that is missed does not.
`
}
