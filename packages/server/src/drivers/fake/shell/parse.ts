/** A piece of a word: as it stands, or the value of a variable. */
export type Part = { readonly text: string } | { readonly variable: string }
export type Word = readonly Part[]

export interface Redirect {
  readonly operator: '>' | '>>' | '<' | '>&'
  readonly target: Word
}

export interface SimpleCommand {
  readonly words: readonly Word[]
  readonly redirects: readonly Redirect[]
  /** Whether it runs, by the status before it. */
  readonly when: 'always' | 'success' | 'failure'
  /** Followed by `&`. */
  readonly background: boolean
}

/** The text is no shell text that is understood here. */
export class SyntaxFault extends Error {}

const SEPARATOR = /^(?:&&|\|\||[;&\n])/
const REDIRECT = /^(?:>&|>>|[<>])/
const VARIABLE = /^\$(?:([A-Za-z_][A-Za-z0-9_]*|[?$])|\{([A-Za-z_][A-Za-z0-9_]*)\})/
const WHEN = { '&&': 'success', '||': 'failure' } as const

/** Simple commands joined by `;`, newline, `&&`, `||` and `&`, with quotes, variables and redirections; no more. */
export function parse(text: string): SimpleCommand[] {
  const commands: SimpleCommand[] = []
  const scanner = new Scanner(text)
  let when: SimpleCommand['when'] = 'always'
  while (!scanner.atEnd()) {
    const words: Word[] = []
    const redirects: Redirect[] = []
    while (!scanner.atEnd() && !scanner.sees(SEPARATOR)) {
      const operator = scanner.take(REDIRECT) as Redirect['operator'] | undefined
      if (operator === undefined) words.push(scanner.word())
      else redirects.push({ operator, target: scanner.word() })
      scanner.skipBlanks()
    }
    const separator = scanner.take(SEPARATOR)
    if (words.length > 0 || redirects.length > 0) {
      commands.push({ words, redirects, when, background: separator === '&' })
    }
    when = separator === '&&' || separator === '||' ? WHEN[separator] : 'always'
    scanner.skipBlanks()
  }
  return commands
}

class Scanner {
  #rest: string

  constructor(text: string) {
    this.#rest = text
    this.skipBlanks()
  }

  atEnd(): boolean {
    return this.#rest === ''
  }

  sees(pattern: RegExp): boolean {
    return pattern.test(this.#rest)
  }

  take(pattern: RegExp): string | undefined {
    const found = pattern.exec(this.#rest)?.[0]
    if (found !== undefined) this.#rest = this.#rest.slice(found.length)
    return found
  }

  skipBlanks(): void {
    this.take(/^[ \t]+/)
  }

  word(): Word {
    this.skipBlanks()
    const parts: Part[] = []
    while (!this.atEnd() && !this.sees(/^[ \t\n;&|<>]/)) parts.push(...this.#piece())
    if (parts.length === 0) throw new SyntaxFault(`unexpected ${JSON.stringify(this.#rest.slice(0, 10))}`)
    return parts
  }

  #piece(): Part[] {
    const quoted = this.take(/^'[^']*'/)
    if (quoted !== undefined) return [{ text: quoted.slice(1, -1) }]
    if (this.take(/^"/) !== undefined) return this.#doubleQuoted()
    if (this.sees(/^'/)) throw new SyntaxFault('unexpected end inside a quote')
    return [this.#variable() ?? { text: this.take(/^\\[^]/)?.slice(1) ?? this.#one() }]
  }

  #doubleQuoted(): Part[] {
    const parts: Part[] = [{ text: '' }]
    while (this.take(/^"/) === undefined) {
      if (this.atEnd()) throw new SyntaxFault('unexpected end inside a quote')
      parts.push(this.#variable() ?? { text: this.take(/^\\["$\\]/)?.slice(1) ?? this.#one() })
    }
    return parts
  }

  #variable(): Part | undefined {
    const [whole, plain, braced] = VARIABLE.exec(this.#rest) ?? []
    const variable = plain ?? braced
    if (whole === undefined || variable === undefined) return undefined
    this.#rest = this.#rest.slice(whole.length)
    return { variable }
  }

  #one(): string {
    const one = this.#rest.slice(0, 1)
    this.#rest = this.#rest.slice(1)
    return one
  }
}
