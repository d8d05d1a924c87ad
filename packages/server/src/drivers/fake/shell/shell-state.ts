/** What a session keeps between commands. */
export class ShellState {
  cwd: string
  status = 0
  readonly variables: Map<string, { readonly value: string; readonly exported: boolean }>

  constructor(cwd: string, env: Readonly<Record<string, string>>) {
    this.cwd = cwd
    this.variables = new Map(Object.entries(env).map(([name, value]) => [name, { value, exported: true }]))
  }

  copy(): ShellState {
    const copy = new ShellState(this.cwd, {})
    copy.status = this.status
    for (const [name, variable] of this.variables) copy.variables.set(name, variable)
    return copy
  }

  value(name: string): string {
    if (name === '?') return String(this.status)
    if (name === '$') return String(SHELL_PID)
    if (name === 'PWD') return this.cwd
    return this.variables.get(name)?.value ?? ''
  }

  set(name: string, value: string, exported = this.variables.get(name)?.exported ?? false): void {
    this.variables.set(name, { value, exported })
  }
}

/** What `$$` says in every shell. */
export const SHELL_PID = 2
