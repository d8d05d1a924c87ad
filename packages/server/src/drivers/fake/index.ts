import type { SandboxDriver } from '../../core/ports/sandbox-driver.ts'
import { FakeDriver } from './fake-driver.ts'
import { FakeMachine } from './fake-machine.ts'

/** Sandboxes that are none: for tests. Drivers of one machine see the same sandboxes. */
export function createFakeDriver(machine = new FakeMachine()): SandboxDriver {
  return new FakeDriver(machine)
}

export { FakeMachine }
