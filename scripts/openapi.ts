/** npm run openapi: writes spec/openapi.json from the schemas of the routes. A test holds the two together. */
import { writeFileSync } from 'node:fs'
import { openapiDocument } from '../packages/server/src/dialects/native/document.ts'

writeFileSync(new URL('../spec/openapi.json', import.meta.url), await openapiDocument())
