// The fleet a run is against: where it is, and which processes can be looked at.

import type { Bus } from '@guildhall/bus';
import { TestApi } from '@guildhall/testkit';
import type { ApiResponse } from '@guildhall/testkit';

/** A process whose CPU and memory can be read. */
export interface TargetProcess {
  readonly name: string;
  readonly app: string;
  readonly pid: number;
}

export interface Target {
  /** The HTTP API, up to and including `/api`. */
  readonly api: string;
  /** `ws://host:port` of each gateway. */
  readonly gateways: readonly string[];
  /** With all rights; absent where only the HTTP API may be used. */
  readonly bus: Bus | undefined;
  /** Of the fleet, as far as they run on this machine. */
  processes(): readonly TargetProcess[];
}

/** An account of the target that acts over HTTP. */
export function apiOf(target: Pick<Target, 'api'>, token?: string, kind?: 'bot' | 'user'): TestApi {
  const api = new TestApi({ baseUrl: `${target.api}/v10`, patient: true });
  return token === undefined ? api : api.as(token, kind ?? 'user');
}

const ATTEMPTS_MAX = 8;
const BUSY_WAIT_MS = 250;
/** As long as the longest limit that a fleet has on what a run begins with, registrations. */
const LIMITED_WAIT_MS_MAX = 65_000;

/**
 * The body of an answer that says yes. A 503 is asked again for a while: owners change, and work is
 * refused rather than queued without end. A 429 is asked again when it says. Rejects with status
 * and body of anything else.
 */
export async function ok<T>(ask: () => Promise<ApiResponse<unknown>>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const { status, body } = await ask();
    if (status >= 200 && status <= 299) return body as T;
    const waitMs = status === 429 ? limitedMs(body) : BUSY_WAIT_MS * attempt;
    if ((status !== 503 && status !== 429) || attempt === ATTEMPTS_MAX) {
      throw new Error(`the API answered ${status}: ${JSON.stringify(body)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}

function limitedMs(body: unknown): number {
  const { retry_after: seconds } = body as { retry_after?: number };
  return Math.min((seconds ?? 1) * 1_000, LIMITED_WAIT_MS_MAX);
}
