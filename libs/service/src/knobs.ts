/**
 * What an app is set by: numbers and texts from the environment, each with its limits. Everything
 * that is wrong is collected, so that an operator is told all of it at once.
 */

export type Env = Readonly<Record<string, string | undefined>>;

/** A whole number from the environment. The unit is in the name it has in the code. */
export interface Knob {
  readonly env: string;
  readonly byDefault: number;
  readonly min: number;
  readonly max: number;
}

/** One knob; both limits are allowed values. */
export function knob(env: string, byDefault: number, min: number, max: number): Knob {
  return { env, byDefault, min, max };
}

export type KnobValues<K extends Readonly<Record<string, Knob>>> = {
  readonly [N in keyof K]: number;
};

/** Reads an environment, collecting what is wrong with it. */
export class EnvReader {
  readonly problems: string[] = [];
  readonly #env: Env;

  constructor(env: Env) {
    this.#env = env;
  }

  /** All numbers of a table; what is missing or wrong has its default. */
  numbers<K extends Readonly<Record<string, Knob>>>(knobs: K): KnobValues<K> {
    const values = Object.entries(knobs).map(([name, one]) => [name, this.#number(one)] as const);
    return Object.fromEntries(values) as KnobValues<K>;
  }

  /** Trimmed; undefined when absent or empty. */
  text(name: string): string | undefined {
    const value = this.#env[name]?.trim();
    return value === '' ? undefined : value;
  }

  /** A text that must be there; empty, and a problem, if it is not. */
  required(name: string): string {
    const value = this.text(name);
    if (value === undefined) this.problems.push(`${name} must be set`);
    return value ?? '';
  }

  /** An address of one of these protocols (`ws:`), without a query. */
  url(name: string, protocols: readonly string[]): string | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const url = URL.parse(value);
    if (url !== null && protocols.includes(url.protocol) && url.search + url.hash === '')
      return value;
    const kinds = protocols.map((protocol) => protocol.slice(0, -1)).join(' or ');
    this.problems.push(`${name} must be a ${kinds} address without a query`);
    return undefined;
  }

  /** Adds problems found elsewhere. */
  add(problems: readonly string[]): void {
    this.problems.push(...problems);
  }

  /** Throws one Error that names everything that is wrong; nothing if all is well. */
  check(): void {
    if (this.problems.length === 0) return;
    const list = this.problems.map((problem) => `  ${problem}`).join('\n');
    throw new Error(`the configuration is wrong:\n${list}`);
  }

  #number({ env: name, byDefault, min, max }: Knob): number {
    const value = this.text(name);
    if (value === undefined) return byDefault;
    const number = Number(value);
    if (Number.isInteger(number) && number >= min && number <= max) return number;
    this.problems.push(`${name} must be a whole number from ${min} to ${max}`);
    return byDefault;
  }
}

/** The defaults of a table, for specs and for embedding. */
export function defaultsOf<K extends Readonly<Record<string, Knob>>>(knobs: K): KnobValues<K> {
  return new EnvReader({}).numbers(knobs);
}
