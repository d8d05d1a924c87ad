import { driverContract } from '../../core/ports/sandbox-driver.contract.ts'
import { createFakeDriver, FakeMachine } from './index.ts'

driverContract({
  name: 'fake',
  open: async () => {
    const machine = new FakeMachine()
    return {
      connect: () => createFakeDriver(machine),
      crash: async (id) => machine.crash(id, 'the test did it'),
      close: async () => machine.removeAll(),
    }
  },
  skip: { 'what is killed for memory is out_of_memory': 'the fake uses no memory' },
})
