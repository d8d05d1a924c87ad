import { z } from 'zod'
import type { NodeReport } from '../../../core/core.ts'

export const node = z
  .strictObject({
    driver: z.string(),
    sandboxes: z.int(),
    commands_running: z.int(),
    commands_waiting: z.int(),
    pool: z.strictObject({ ready: z.int() }),
    versions: z.record(z.string(), z.string()),
    facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  })
  .meta({ id: 'Node' })

export const encodeNode = (report: NodeReport, versions: Readonly<Record<string, string>>): z.output<typeof node> => ({
  driver: report.driver,
  sandboxes: report.sandboxes,
  commands_running: report.commandsRunning,
  commands_waiting: report.commandsWaiting,
  pool: { ready: report.pool.ready },
  versions,
  facts: report.facts,
})
