// A sink in a process of its own, so that counting costs those who are measured nothing.
import { answerParent, Child } from './child.js';
import { Sink, type SinkPlan, type SinkReport } from './sink.js';

/** The role of the child. */
export const SINK_ROLE = 'sink';
/** A process may have 20,000 files open. */
const CONNECTIONS_PER_PROCESS_MAX = 18_000;
const CLOSE_TIMEOUT_MS = 20_000;

/** The child's side: one sink for as long as the process lives. */
export function runSink(): void {
  let sink: Sink | undefined;
  answerParent(async (name, argument) => {
    if (name === 'open') {
      sink = new Sink(argument as SinkPlan);
      return sink.open();
    }
    if (sink === undefined) throw new Error('the sink is not open');
    if (name === 'mark') return sink.mark(argument as number);
    if (name === 'report') return sink.report(argument as number);
    return sink.close();
  });
}

/** The parent's side of one sink. */
export class SinkProcess {
  readonly plan: SinkPlan;
  readonly #child: Child;

  private constructor(plan: SinkPlan, child: Child) {
    this.plan = plan;
    this.#child = child;
  }

  /** Starts the process and opens its connections. */
  static async open(plan: SinkPlan): Promise<SinkProcess> {
    if (plan.connectionsCount > CONNECTIONS_PER_PROCESS_MAX) {
      throw new Error(`${plan.connectionsCount} connections are too many for one process`);
    }
    const child = new Child(SINK_ROLE);
    try {
      await child.ask('open', plan);
    } catch (error) {
      await child.stop();
      throw error;
    }
    return new SinkProcess(plan, child);
  }

  get pid(): number {
    return this.#child.pid;
  }

  mark(eventsCount: number): Promise<void> {
    return this.#child.ask('mark', eventsCount);
  }

  report(timeoutMs: number): Promise<SinkReport> {
    return this.#child.ask('report', timeoutMs);
  }

  /** Closes the connections in order, then ends the process. */
  async close(): Promise<void> {
    const closed = this.#child.ask('close').catch(() => undefined);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => (timer = setTimeout(resolve, CLOSE_TIMEOUT_MS)));
    await Promise.race([closed, late]);
    clearTimeout(timer);
    await this.#child.stop();
  }
}
