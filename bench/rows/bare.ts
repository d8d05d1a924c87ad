import { existsSync } from 'node:fs'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Bench, Figure, Row } from '../figure.ts'
import { figureOf } from '../figure.ts'
import { type Repetition, repetitionOf, seriesOf } from '../measure.ts'

const run = promisify(execFile)

/** A plain bash runs the program again and again until the time is over: what Node costs does not count. */
const LOOP = `
limit=$1; shift
now() { local t=$EPOCHREALTIME; at=\${t/[.,]/}; }
now; end=$((at + limit * 1000))
while ((at < end)); do
  begin=$at
  "$@" </dev/null >/dev/null || exit 1
  now; echo $((at - begin))
done`

/** The namespaces and the root of a sandbox; without cgroups, seccomp, uids of its own, limits and a shell to talk to. */
const BWRAP = [
  'bwrap --unshare-user --unshare-ipc --unshare-pid --unshare-net --unshare-uts --unshare-cgroup --new-session',
  '--ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64',
  '--proc /proc --dev /dev --tmpfs /tmp --tmpfs /workspace --chdir /workspace /bin/true',
]
  .join(' ')
  .split(' ')

const IMAGE = 'busybox'

/** Programs that run bare, several loops side by side. */
async function repeat(argv: readonly string[], loops: number, forMs: number, signal: AbortSignal): Promise<Repetition> {
  const loop = async (): Promise<number[]> => {
    const { stdout } = await run('bash', ['-c', LOOP, 'loop', String(forMs), ...argv], { maxBuffer: 1024 ** 3, signal })
    return stdout
      .trim()
      .split('\n')
      .map((microseconds) => Number(microseconds) / 1000)
  }
  const samples = await Promise.all(Array.from({ length: loops }, loop))
  // Each loop knows its own time; the start of its bash is not part of it.
  const longestMs = Math.max(...samples.map((own) => own.reduce((total, ms) => total + ms, 0)))
  return repetitionOf(samples.flat(), longestMs)
}

async function bare(name: string, argv: readonly string[], loops: number, { effort, signal }: Bench): Promise<Figure> {
  await repeat(argv, loops, effort.warmUpMs, signal)
  const repetitions: Repetition[] = []
  while (repetitions.length < effort.repetitions) repetitions.push(await repeat(argv, loops, effort.forMs, signal))
  return figureOf(name, seriesOf(repetitions), { shown: loops === 1 ? 'latency' : 'rate' })
}

/** Why docker cannot be measured; `undefined` where an engine answers and has the image. */
async function whyNoDocker(): Promise<string | undefined> {
  try {
    await run('docker', ['image', 'inspect', IMAGE])
    return undefined
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 'docker is not installed'
    return `no docker engine answers, or it has no image ${IMAGE}`
  }
}

/** What anybody can have without this product. */
export const bareRow: Row = {
  name: 'bare',
  about: 'fork + exec of /bin/true, bwrap with the same namespaces, docker run where an engine answers',
  async measure(bench) {
    const figures = [
      await bare('bare: fork + exec /bin/true, alone', ['/bin/true'], 1, bench),
      await bare('bare: fork + exec /bin/true, 8 in flight', ['/bin/true'], 8, bench),
    ]
    if (existsSync('/usr/bin/bwrap')) {
      figures.push(await bare('bare: bwrap /bin/true, alone', BWRAP, 1, bench))
      figures.push(await bare('bare: bwrap /bin/true, 8 in flight', BWRAP, 8, bench))
    } else {
      figures.push({ name: 'bare: bwrap /bin/true', note: 'not measured: bubblewrap is not installed' })
    }
    const why = await whyNoDocker()
    const docker = ['docker', 'run', '--rm', '--network=none', IMAGE, 'true']
    if (why === undefined) figures.push(await bare('bare: docker run true, alone', docker, 1, bench))
    else figures.push({ name: 'bare: docker run true', note: `not measured: ${why}` })
    return figures
  },
}
