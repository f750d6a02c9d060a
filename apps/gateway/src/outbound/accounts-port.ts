import { callMethod, type Bus } from '@guildhall/bus';
import { backoffMs, Deadline, sleep } from '@guildhall/clock';
import { Accounts, type AuthenticateReply } from '@guildhall/contracts';
import { Fault, FaultCode, isRetryable } from '@guildhall/fault';
import type { TraceContext, Tracer } from '@guildhall/telemetry';
import type { AccountsPort } from '../domain/ports.js';

export interface AccountsPortOptions {
  readonly bus: Bus;
  readonly tracer: Tracer;
  /** How long to go on asking while no instance answers. */
  readonly deadlineMs: number;
  readonly callTimeoutMs: number;
  readonly random: () => number;
}

const FIRST_WAIT_MS = 20;
const WAIT_MS_MAX = 400;

/** Accounts, over the bus; any instance of the api app answers. */
export class AccountsOverBus implements AccountsPort {
  readonly #options: AccountsPortOptions;

  constructor(options: AccountsPortOptions) {
    this.#options = options;
  }

  authenticate(token: string, trace: TraceContext | undefined): Promise<AuthenticateReply> {
    const { bus, tracer, callTimeoutMs: timeoutMs } = this.#options;
    return this.#again(isRetryable, () =>
      callMethod(bus, Accounts.method.authenticate, 'any', { token }, { timeoutMs, trace, tracer }),
    );
  }

  /** Asked once more it counts once more: repeated only when nobody was there to hear it. */
  async startSession(userId: bigint, trace: TraceContext | undefined): Promise<void> {
    const { bus, tracer, callTimeoutMs: timeoutMs } = this.#options;
    const options = { timeoutMs, trace, tracer };
    await this.#again(
      (code) => code === FaultCode.Unavailable,
      () => callMethod(bus, Accounts.method.startSession, 'any', { userId }, options),
    );
  }

  async #again<T>(mayRepeat: (code: FaultCode) => boolean, ask: () => Promise<T>): Promise<T> {
    const { bus, random, deadlineMs } = this.#options;
    const deadline = Deadline.after(bus.clock, deadlineMs);
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await ask();
      } catch (reason) {
        const fault = Fault.from(reason);
        const waitMs = backoffMs(attempt, { firstMs: FIRST_WAIT_MS, capMs: WAIT_MS_MAX, random });
        if (!mayRepeat(fault.code) || deadline.remainingMs() <= waitMs) throw fault;
        await sleep(bus.clock, waitMs);
      }
    }
  }
}
