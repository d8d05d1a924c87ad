import { isIPv4 } from 'node:net'

/** Whether a host name or address (without brackets and port) can only mean this machine. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (host.startsWith('127.') && isIPv4(host))
}
