export { Bug, assert, unreachable } from './bug.js';
export { Fault, FaultCode, isFaultCode, isRetryable } from './fault.js';
export type { FaultOptions, Refusal } from './fault.js';
