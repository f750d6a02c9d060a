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
export { connectNats } from './bus-nats.js';
export type { NatsBusOptions } from './bus-nats.js';
export { showBusCounts } from './bus-metrics.js';
export { callAll, callMethod, callOwner } from './call.js';
export type { AllReplies, CallOptions, CallOwnerOptions } from './call.js';
export { MethodTable, partitionMethods, serveMethods, servePartition } from './serve.js';
export type {
  Answer,
  Call,
  Handlers,
  MethodHandler,
  ServedMethods,
  ServeOptions,
} from './serve.js';
export { publishMessage, subscribeMessages } from './messages.js';
