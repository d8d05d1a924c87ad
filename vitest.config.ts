import { defineConfig } from 'vitest/config'

/** Tests that run real sandboxes: they need root and the built supervisor. */
const SYSTEM = ['packages/server/src/drivers/namespaces/namespaces-driver.test.ts', 'tests/*/**/*.test.ts']

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts', 'tests/architecture/**/*.test.ts'],
          exclude: ['packages/server/src/drivers/namespaces/namespaces-driver.test.ts'],
        },
      },
      {
        test: {
          name: 'system',
          include: SYSTEM,
          exclude: ['tests/architecture/**'],
          testTimeout: 30_000,
          hookTimeout: 30_000,
          // Each file starts servers and sandboxes of its own; two at once would measure each other.
          fileParallelism: false,
        },
      },
    ],
  },
})
