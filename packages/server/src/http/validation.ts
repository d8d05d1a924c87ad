import type { FastifySchemaCompiler } from 'fastify'
import type { ZodError, ZodType } from 'zod'
import type { CoreError } from '../core/errors.ts'
import { invalidRequest } from './errors.ts'

/** Checks a part of a request by its zod schema; what is wrong is told as `request.invalid` with the field's name. */
export const validatorCompiler: FastifySchemaCompiler<ZodType> = ({ schema, httpPart }) => {
  return (data: unknown) => {
    // Zod passes over this key, so that even a strict schema does not see it.
    if (httpPart === 'querystring' && Object.hasOwn(data as object, '__proto__')) {
      return { error: invalidRequest('__proto__', 'is unknown') }
    }
    // A body that was not sent is `null` to Fastify.
    const result = schema.safeParse(httpPart === 'body' ? (data ?? undefined) : data)
    return result.success ? { value: result.data } : { error: firstProblem(result.error, httpPart ?? 'request') }
  }
}

/** The first problem of the list: its field as a dotted path, an unknown field by its own name. */
function firstProblem({ issues }: ZodError, part: string): CoreError {
  const issue = issues[0]
  if (issue === undefined) return invalidRequest(part, 'is not valid')
  const path = issue.path.map(String)
  if (issue.code === 'unrecognized_keys') return invalidRequest([...path, issue.keys[0] ?? ''].join('.'), 'is unknown')
  return invalidRequest(path.length === 0 ? part : path.join('.'), issue.message)
}
