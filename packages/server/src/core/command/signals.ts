/** Signals of Linux on x86_64 and aarch64, by number. */
const NAMES: readonly string[] = [
  '',
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGILL',
  'SIGTRAP',
  'SIGABRT',
  'SIGBUS',
  'SIGFPE',
  'SIGKILL',
  'SIGUSR1',
  'SIGSEGV',
  'SIGUSR2',
  'SIGPIPE',
  'SIGALRM',
  'SIGTERM',
  'SIGSTKFLT',
  'SIGCHLD',
  'SIGCONT',
  'SIGSTOP',
  'SIGTSTP',
  'SIGTTIN',
  'SIGTTOU',
  'SIGURG',
  'SIGXCPU',
  'SIGXFSZ',
  'SIGVTALRM',
  'SIGPROF',
  'SIGWINCH',
  'SIGIO',
  'SIGPWR',
  'SIGSYS',
]

const ALIASES: Readonly<Record<string, string>> = { SIGIOT: 'SIGABRT', SIGPOLL: 'SIGIO', SIGCLD: 'SIGCHLD' }

const FIRST_REAL_TIME = 34
const LAST_SIGNAL = 64

/** The long name, `SIGKILL` for 9; a real-time signal is `SIGRTMIN+n`. */
export function signalName(number: number): string {
  const name = NAMES[number]
  if (name !== undefined && name !== '') return name
  if (number === FIRST_REAL_TIME) return 'SIGRTMIN'
  if (number > FIRST_REAL_TIME && number <= LAST_SIGNAL) return `SIGRTMIN+${number - FIRST_REAL_TIME}`
  return `SIG${number}`
}

/** The number of a long (`SIGTERM`) or short (`TERM`) name; `undefined` where there is no such signal. */
export function signalNumber(name: string): number | undefined {
  const long = name.startsWith('SIG') ? name : `SIG${name}`
  const realTime = /^SIGRTMIN(?:\+(\d{1,2}))?$/.exec(long)
  if (realTime !== null) {
    const number = FIRST_REAL_TIME + Number(realTime[1] ?? 0)
    return number <= LAST_SIGNAL ? number : undefined
  }
  const number = NAMES.indexOf(Object.hasOwn(ALIASES, long) ? (ALIASES[long] ?? long) : long)
  return number > 0 ? number : undefined
}
