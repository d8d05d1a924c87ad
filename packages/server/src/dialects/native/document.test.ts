import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { openapiDocument } from './document.ts'

it('the API changes only together with spec/openapi.json (npm run openapi)', async () => {
  const spec = readFileSync(new URL('../../../../../spec/openapi.json', import.meta.url), 'utf8')
  expect(JSON.parse(await openapiDocument())).toEqual(JSON.parse(spec))
})
