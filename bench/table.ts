import { type Figure, type Goal, isReached } from './figure.ts'

const PROSE = 'else'
const HEADINGS = ['', 'p50 ms', 'p99 ms', 'per second', '±', 'goal', 'aim', PROSE]

/** The figures as a table that a terminal and Markdown show alike. */
export function table(figures: readonly Figure[]): string {
  const rows = figures.map(cells)
  const kept = HEADINGS.map((_, column) => column === 0 || rows.some((row) => row[column] !== ''))
  const [head = [], ...body] = [HEADINGS, ...rows].map((row) => row.filter((_, column) => kept[column]))
  const widths = head.map((_, column) => widthOf([head, ...body].map((row) => row[column] ?? '')))
  const print = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => pad(cell, column, widths[column] ?? 0)).join(' | ')} |\n`
  return [print(head), print(widths.map((width) => '-'.repeat(width))), ...body.map(print)].join('')
}

/** The last column is prose: it may be as ragged as it likes. */
const widthOf = (cells: readonly string[]): number =>
  cells[0] === PROSE ? PROSE.length : Math.max(3, ...cells.map(({ length }) => length))

function cells(figure: Figure): readonly string[] {
  return [
    figure.name,
    number(figure.p50Ms),
    number(figure.p99Ms),
    number(figure.perSecond),
    figure.spread === undefined ? '' : `${Math.round(figure.spread * 100)} %`,
    goals(figure, figure.goals?.goal),
    goals(figure, figure.goals?.aim),
    remarks(figure),
  ]
}

const remarks = ({ amounts = {}, note }: Figure): string =>
  [...Object.entries(amounts).map(([unit, value]) => `${number(value)} ${unit}`), ...(note ? [note] : [])].join(', ')

function pad(cell: string, column: number, width: number): string {
  return column > 0 && /^[\d.]+( %)?$/.test(cell) ? cell.padStart(width) : cell.padEnd(width)
}

const UNITS: Readonly<Record<string, string>> = { p50Ms: 'ms', p99Ms: 'ms', perSecond: '/s' }
const SUBJECTS: Readonly<Record<string, string>> = { p50Ms: 'p50 ', p99Ms: 'p99 ' }

const goals = (figure: Figure, wanted: readonly Goal[] = []): string =>
  wanted.map((goal) => `${bound(goal)}: ${verdict(isReached(figure, goal))}`).join('; ')

function bound(goal: Goal): string {
  const bounds = goal.atMost === undefined ? `≥ ${goal.atLeast ?? 0}` : `≤ ${goal.atMost}`
  return `${SUBJECTS[goal.of] ?? ''}${bounds} ${UNITS[goal.of] ?? goal.of}`
}

function verdict(reached: boolean | undefined): string {
  if (reached === undefined) return 'not measured'
  return reached ? 'yes' : 'NO'
}

/** Three digits, as nothing here is known better. */
function number(value: number | undefined): string {
  if (value === undefined) return ''
  const size = Math.abs(value)
  if (size >= 100) return String(Math.round(value))
  return value.toFixed(size >= 10 ? 1 : 2)
}
