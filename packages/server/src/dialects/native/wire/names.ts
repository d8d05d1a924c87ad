const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** The same value with its fields named as on the wire, all the way down. */
export function snakeKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeKeys)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [snake(name), snakeKeys(member)]))
}

/** Fields that may be missing but, where they are there, hold a value. */
type Present<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
}

/** The same object without the fields that hold `undefined`. */
export function present<T extends object>(value: T): Present<T> {
  const kept: Record<string, unknown> = {}
  for (const [name, member] of Object.entries(value)) if (member !== undefined) kept[name] = member
  return kept as Present<T>
}
