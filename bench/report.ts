import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Figure } from './figure.ts'
import type { Machine, Quiet } from './machine.ts'
import { median } from './measure.ts'

/** What one run has found, as it is written for machines. */
export interface Report {
  readonly at: string
  readonly quick: boolean
  readonly machine: Machine
  /** The machine before and after. */
  readonly quiet: readonly Quiet[]
  readonly figures: readonly Figure[]
}

/** Where the JSON of a run goes that names no file. */
export const resultPath = (at: string): string =>
  join(import.meta.dirname, 'results', `${at.replaceAll(/[:.]/g, '-')}.json`)

export function writeReport(path: string, report: Report): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${JSON.stringify(report, null, 2)}\n`)
}

export const readReport = (path: string): Report => JSON.parse(readFileSync(path, 'utf8')) as Report

/** The figures of the first report, each number the median of all reports that have it. */
export function medianFigures(reports: readonly Report[]): readonly Figure[] {
  const [first] = reports
  return (first?.figures ?? []).map((figure) => {
    const same = reports.flatMap(({ figures }) => figures.find(({ name }) => name === figure.name) ?? [])
    return { ...figure, ...medians(figure, same), ...amounts(figure, same) }
  })
}

const FIELDS = ['p50Ms', 'p99Ms', 'perSecond', 'spread'] as const

const medians = (figure: Figure, same: readonly Figure[]): Partial<Figure> =>
  Object.fromEntries(
    FIELDS.filter((field) => figure[field] !== undefined).map((field) => [
      field,
      median(same.flatMap((one) => one[field] ?? [])),
    ]),
  )

function amounts(figure: Figure, same: readonly Figure[]): Pick<Figure, 'amounts'> {
  if (figure.amounts === undefined) return {}
  const names = Object.keys(figure.amounts)
  return {
    amounts: Object.fromEntries(names.map((name) => [name, median(same.flatMap((one) => one.amounts?.[name] ?? []))])),
  }
}
