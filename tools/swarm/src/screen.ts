// How a run looks while it runs: one screen that is drawn anew where there is a terminal, a line
// every few seconds where there is none.

import { describeProgress } from './report.js';
import type { Progress } from './run.js';

const HOME_AND_CLEAR = '\u001b[H\u001b[J';
const LINE_EVERY = 5;

export interface ScreenOptions {
  readonly isTerminal: boolean;
  readonly title: string;
  readonly write: (text: string) => void;
}

/** Shows how a run goes. */
export class Screen {
  readonly #options: ScreenOptions;
  readonly #steps: string[] = [];
  #count = 0;

  constructor(options: ScreenOptions) {
    this.#options = options;
  }

  /** Something is done, or has happened. */
  step(text: string): void {
    this.#steps.push(text);
    this.#options.write(`   ${text}\n`);
  }

  /** To be told once a second. */
  show(progress: Progress): void {
    const { isTerminal, write } = this.#options;
    if (isTerminal) return write(`${HOME_AND_CLEAR}${this.page(progress)}\n`);
    this.#count += 1;
    if (this.#count % LINE_EVERY !== 0) return;
    const { phase, totals, deliveriesPerS, latency } = progress;
    write(`   ${describeProgress(phase, totals, deliveriesPerS, latency)}\n`);
  }

  /** The whole screen, as lines. */
  page({ phase, totals, deliveriesPerS, latency, apps }: Progress): string {
    const { counters, violations, examples } = totals;
    const wrong = [...violations].map(([kind, count]) => `${count} ${kind}`).join(', ');
    const ms = (share: number): string => (latency.quantileUs(share) / 1_000).toFixed(1);
    return [
      `${this.#options.title}: ${phase}`,
      '',
      `sessions     ${totals.liveCount} live, ${totals.completeCount} complete ` +
        `of ${totals.sessionsCount}`,
      `deliveries   ${Math.round(deliveriesPerS)} a second, ${counters.get('deliveries')} in all`,
      `latency      p50 ${ms(0.5)} ms, p99 ${ms(0.99)} ms, p99.9 ${ms(0.999)} ms`,
      `connections  ${counters.get('drops')} dropped, ${counters.get('losses')} lost, ` +
        `${counters.get('resumed')} resumed, ${counters.get('toldAnew')} told to start anew`,
      `wire         ${(counters.get('bytes') / 2 ** 20).toFixed(1)} MiB`,
      '',
      ...apps.map(
        ({ name, cpuShare, rssMib }) =>
          `${name.padEnd(14)} ${`${Math.round(cpuShare * 100)} %`.padStart(6)} of a core ` +
          `${rssMib.toFixed(0).padStart(6)} MiB`,
      ),
      '',
      `violations   ${wrong === '' ? 'none' : wrong}`,
      ...examples.slice(0, 5).map((example) => `  ${example}`),
    ].join('\n');
  }
}
