import type { Row } from '../figure.ts'
import { bareRow } from './bare.ts'
import { builtinRow, externalRow } from './command.ts'
import { costRow } from './cost.ts'
import { createRow } from './create.ts'
import { fileRow } from './file.ts'
import { floorRow } from './floor.ts'
import { memoryRow } from './memory.ts'
import { runRow } from './run.ts'
import { sustainedRow } from './sustained.ts'

/** In the order of the table: what everything stands on comes first. */
export const ROWS: readonly Row[] = [
  bareRow,
  floorRow,
  createRow,
  builtinRow,
  externalRow,
  runRow,
  sustainedRow,
  fileRow,
  memoryRow,
  costRow,
]
