import js from '@eslint/js'
import { defineConfig, globalIgnores } from 'eslint/config'
import tseslint from 'typescript-eslint'

const TESTS = ['**/*.test.ts', '**/*.contract.ts', '**/testing/**', 'tests/**']

const ENVIRONMENT = 'Only packages/server/src/config reads the environment.'

export default defineConfig(
  globalIgnores(['**/node_modules/', '**/dist/', '**/coverage/', 'native/', 'spec/', '**/*.gen.ts']),
  {
    linterOptions: { reportUnusedDisableDirectives: 'error', reportUnusedInlineConfigs: 'error' },
  },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // The ports promise that every failure is a rejection; `async` alone turns a throw into one.
      '@typescript-eslint/require-await': 'off',
      'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
      'no-restricted-properties': ['error', { object: 'process', property: 'env', message: ENVIRONMENT }],
      'no-restricted-imports': [
        'error',
        {
          paths: [
            { name: 'node:process', importNames: ['env'], message: ENVIRONMENT },
            { name: 'process', message: 'Write node:process.' },
          ],
        },
      ],
    },
  },
  {
    // One suite is one function, and tests start servers with environments of their own.
    files: TESTS,
    rules: { 'max-lines-per-function': 'off', 'no-restricted-properties': 'off', 'no-restricted-imports': 'off' },
  },
  {
    // The one reader of the environment, and tools that no server runs.
    files: ['packages/server/src/config/**', 'scripts/**', 'bench/**', '*.config.*'],
    rules: { 'no-restricted-properties': 'off', 'no-restricted-imports': 'off' },
  },
)
