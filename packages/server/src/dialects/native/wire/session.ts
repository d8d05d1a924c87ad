import { z } from 'zod'
import type { SessionInfo } from '../../../core/core.ts'
import * as wire from './primitives.ts'

export const sessionBody = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9_.-]{0,62}$/, 'is no name: lower-case letters, digits, _ . -'),
    cwd: wire.pathText.exactOptional(),
    env: wire.environment.exactOptional(),
  })
  .meta({ id: 'OpenSession' })

export const session = z
  .strictObject({
    name: z.string(),
    sandbox_id: z.string(),
    busy: z.boolean(),
    created_at: wire.time,
  })
  .meta({ id: 'Session' })

export const encodeSession = (value: SessionInfo): z.output<typeof session> => ({
  name: value.name,
  sandbox_id: value.sandboxId,
  busy: value.busy,
  created_at: wire.encodeTime(value.createdAtMs),
})
