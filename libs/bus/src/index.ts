export { createMemoryBus } from './bus-memory.js';
export type { Fate, MemoryBus, MemoryHub, MemoryHubOptions, Transit } from './bus-memory.js';
export type {
  Bus,
  BusCounts,
  BusStatus,
  GapReason,
  GatheredReply,
  Incoming,
  OnMessage,
  OnReply,
  RequestAllOptions,
  RequestOptions,
  Subscription,
} from './bus.js';
export type { BusLimits, BusOptions } from './bus-room.js';
