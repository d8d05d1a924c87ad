import type { Bench, Figure, Row } from './figure.ts'
import { type Quiet, lookForOthers, machine } from './machine.ts'
import { type Options, UsageError, manual, readOptions } from './options.ts'
import { type Report, medianFigures, readReport, resultPath, writeReport } from './report.ts'
import { ROWS } from './rows/index.ts'
import { table } from './table.ts'

const say = (text: string): void => void process.stderr.write(`bench: ${text}\n`)

/** A run of all rows takes a few minutes, a quick one half of one. */
const EFFORTS = {
  full: { effort: { repetitions: 3, forMs: 1500, warmUpMs: 500 }, alive: 1000 },
  quick: { effort: { repetitions: 3, forMs: 150, warmUpMs: 100 }, alive: 50 },
}

/** Ctrl-C ends what the present row has started; the row then rejects, and cleans up as it does so. */
function untilInterrupted(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => controller.abort(new Error(`ended by ${name}`)))
  return controller.signal
}

async function measureAll(rows: readonly Row[], bench: Bench): Promise<readonly Figure[]> {
  const figures: Figure[] = []
  for (const [index, row] of rows.entries()) {
    say(`${index + 1}/${rows.length} ${row.name}: ${row.about}`)
    bench.signal.throwIfAborted()
    figures.push(...(await row.measure(bench)))
  }
  return figures
}

async function run({ rows, quick, json }: Options): Promise<void> {
  const at = new Date().toISOString()
  const where = machine()
  const before = await lookForOthers()
  warn(before)
  const figures = await measureAll(rows, { ...EFFORTS[quick ? 'quick' : 'full'], signal: untilInterrupted(), say })
  const report: Report = { at, quick, machine: where, quiet: [before, await lookForOthers()], figures }
  const path = json ?? resultPath(at)
  writeReport(path, report)
  process.stdout.write(`${heading(report)}\n\n${table(figures)}`)
  report.quiet.forEach(warn)
  say(`written to ${path}`)
}

/** The medians of runs of one commit on one machine, as far as their headings tell. */
function printMedians(files: readonly string[]): void {
  const reports = files.map(readReport)
  process.stdout.write(`${[...new Set(reports.map(heading))].join('\n')}\n\n${table(medianFigures(reports))}`)
}

function heading({
  machine: { cores, processor, memoryBytes, kernel, node, commit, uncommitted },
  quick,
}: Report): string {
  const hardware = `${cores} cores (${processor}), ${Math.round(memoryBytes / 1024 ** 3)} GiB, Linux ${kernel}, Node ${node}`
  return `${quick ? 'Quick: not for conclusions. ' : ''}Commit ${commit}${uncommitted ? ' with changes' : ''}; ${hardware}.`
}

function warn({ busy, load, isQuiet }: Quiet): void {
  if (isQuiet) return
  const share = Math.round(busy * 100)
  say(
    `THE MACHINE IS NOT QUIET: others use ${share} % of it (load ${load.toFixed(1)}), so absolute figures say nothing`,
  )
}

try {
  const options = readOptions(process.argv.slice(2), ROWS)
  if (options.help) process.stdout.write(manual(ROWS))
  else if (options.medianOf.length > 0) printMedians(options.medianOf)
  else await run(options)
} catch (error) {
  say(
    error instanceof UsageError
      ? error.message
      : error instanceof Error
        ? (error.stack ?? error.message)
        : String(error),
  )
  process.exitCode = error instanceof UsageError ? 2 : 1
}
