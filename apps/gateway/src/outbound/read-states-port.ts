import { callOwner, type Bus } from '@guildhall/bus';
import { ReadStates, type LoadReply } from '@guildhall/contracts';
import { partitionOf } from '@guildhall/snowflake';
import type { TraceContext, Tracer } from '@guildhall/telemetry';
import type { ReadStatesPort } from '../domain/ports.js';

export interface ReadStatesPortOptions {
  readonly bus: Bus;
  readonly tracer: Tracer;
  readonly deadlineMs: number;
  readonly callTimeoutMs: number;
}

/** Read states, over the bus. */
export class ReadStatesOverBus implements ReadStatesPort {
  readonly #options: ReadStatesPortOptions;

  constructor(options: ReadStatesPortOptions) {
    this.#options = options;
  }

  load(userId: bigint, trace: TraceContext | undefined): Promise<LoadReply> {
    const { bus, tracer, deadlineMs, callTimeoutMs: timeoutMs } = this.#options;
    const options = { trace, tracer, deadlineMs, timeoutMs };
    return callOwner(bus, ReadStates.method.load, partitionOf(userId), { userId }, options);
  }
}
