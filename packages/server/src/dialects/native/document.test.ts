import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { nativeServer } from './core-double.ts'
import { openapiDocument } from './document.ts'

it('the API changes only together with spec/openapi.json (npm run openapi)', async () => {
  const spec = readFileSync(new URL('../../../../../spec/openapi.json', import.meta.url), 'utf8')
  expect(JSON.parse(await openapiDocument())).toEqual(JSON.parse(spec))
})

it('the documentation page may load its own files only, and loads them', async () => {
  const { app } = await nativeServer()
  const page = await app.inject('/docs')
  expect(page.headers['content-security-policy']).toContain("default-src 'self'")
  const files = Array.from(page.body.matchAll(/(?:src|href)="([^"]+)"/g), ([, url = '']) => url)
  expect(files.length).toBeGreaterThan(3)
  for (const url of files) expect([url, (await app.inject(url)).statusCode]).toEqual([url, 200])
})

it.each(['/docs/static/..%2f..%2fpackage.json', '/docs/static/../package.json', '/docs/static/%2fetc%2fpasswd'])(
  'the documentation gives no other file: %s',
  async (url) => {
    const { app } = await nativeServer()
    expect((await app.inject(url)).statusCode).toBe(404)
  },
)
