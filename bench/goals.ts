import type { Goals } from './figure.ts'

/** What the figures have to reach, and what is aimed at beyond. */
export const GOALS = {
  createCold: {
    goal: [{ of: 'p50Ms', atMost: 6 }],
    aim: [{ of: 'p50Ms', atMost: 5 }],
  },
  createAndFirst: {
    aim: [{ of: 'p50Ms', atMost: 5 }],
  },
  sustained: {
    aim: [{ of: 'perSecond', atLeast: 400 }],
  },
  builtinAlone: {
    goal: [{ of: 'p50Ms', atMost: 0.6 }],
  },
  builtinBusy: {
    goal: [{ of: 'perSecond', atLeast: 6000 }],
    aim: [{ of: 'perSecond', atLeast: 8000 }],
  },
  externalAlone: {
    goal: [{ of: 'p50Ms', atMost: 2 }],
    aim: [{ of: 'p50Ms', atMost: 1.6 }],
  },
  externalBusy: {
    aim: [{ of: 'perSecond', atLeast: 1500 }],
  },
  runAlone: {
    aim: [{ of: 'p50Ms', atMost: 3 }],
  },
  runBusy: {
    goal: [{ of: 'perSecond', atLeast: 350 }],
    aim: [{ of: 'perSecond', atLeast: 450 }],
  },
  smallFile: {
    aim: [{ of: 'p50Ms', atMost: 1 }],
  },
  largeFile: {
    aim: [{ of: 'p50Ms', atMost: 6 }],
  },
  memory: {
    goal: [{ of: 'MB each', atMost: 1.2 }],
    aim: [{ of: 'MB each', atMost: 1.1 }],
  },
} as const satisfies Record<string, Goals>
