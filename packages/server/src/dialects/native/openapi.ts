import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'

/** The page loads its own files and nothing else, from nowhere else. */
const PAGE_POLICY =
  "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; frame-ancestors 'none'"

/** Collects the schemas of the routes that are registered after it: `GET /openapi.json`, and `GET /docs` as a page. */
export async function openapi(scope: FastifyInstance): Promise<void> {
  await scope.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Atoll',
        version: '1',
        description: 'Isolated, stateful Linux sandboxes over HTTP.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  })
  await scope.register(swaggerUi, {
    routePrefix: '/docs',
    theme: { title: 'Atoll' },
    // No validator: it would be asked over the network.
    uiConfig: { url: '/openapi.json', validatorUrl: null },
    staticCSP: PAGE_POLICY,
  })
  let document: unknown
  scope.get('/openapi.json', { schema: { hide: true } }, async () => (document ??= withoutTwins(scope.swagger())))
}

const REFERENCE = /"#\/components\/schemas\/(\w+)"/g

type Schemas = Readonly<Record<string, unknown>>

/**
 * The document with the named schemas that a route refers to, and no others. The transform makes each one twice,
 * as it is sent and as it is answered (`XInput`, `X`); where only the first is used it gets the plain name.
 */
function withoutTwins(document: object): unknown {
  const { components, ...rest } = document as { readonly components: { readonly schemas: Schemas } }
  const used = reachable(rest, components.schemas)
  const finalName = (name: string): string => {
    const plain = name.replace(/Input$/, '')
    return used.has(plain) ? name : plain
  }
  const schemas = Object.fromEntries(Array.from(used, (name) => [finalName(name), components.schemas[name]]))
  const text = JSON.stringify({ ...rest, components: { schemas } })
  return JSON.parse(text.replace(REFERENCE, (_, name: string) => `"#/components/schemas/${finalName(name)}"`))
}

/** The names that a part refers to, directly or through other schemas, in alphabetical order. */
function reachable(part: object, schemas: Schemas): ReadonlySet<string> {
  const names = new Set<string>()
  const visit = (value: unknown): void => {
    for (const [, name = ''] of JSON.stringify(value).matchAll(REFERENCE)) {
      if (names.has(name)) continue
      names.add(name)
      visit(schemas[name])
    }
  }
  visit(part)
  return new Set([...names].sort())
}
