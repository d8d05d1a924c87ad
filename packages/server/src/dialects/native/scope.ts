import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { errorBody } from './wire/primitives.ts'

/** A scope whose handlers see the types of their schemas. */
export type NativeScope = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>

export const sandboxParams = z.strictObject({ id: z.string() })
export const commandParams = z.strictObject({ id: z.string(), cid: z.string() })
export const sessionParams = z.strictObject({ id: z.string(), name: z.string() })

export const nothing = z.void().describe('Done')

/** Beside its own answers, every route may say no. */
export const errors = { '4xx': errorBody, '5xx': errorBody } as const
