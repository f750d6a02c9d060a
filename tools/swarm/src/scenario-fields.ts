// Reads a JSON object field by field and collects everything that is wrong with it, each complaint
// with the path of the field it is about. A file with three mistakes is refused once, not thrice.

type Json = Readonly<Record<string, unknown>>;

/** The file makes no sense; the message has one line per mistake and may be shown as it is. */
export class ScenarioError extends Error {}

/** One object of a scenario. What is absent has its default; what is unknown is a mistake. */
export class Fields {
  readonly #json: Json;
  readonly #path: string;
  readonly #problems: string[];
  readonly #known = new Set<string>();

  constructor(value: unknown, path: string, problems: string[]) {
    this.#path = path;
    this.#problems = problems;
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    this.#json = isObject ? (value as Json) : {};
    if (!isObject) this.complain('', `is an object, not ${named(value)}`);
  }

  /** A whole number within the bounds, both included. */
  whole(key: string, fallback: number, min: number, max: number): number {
    return this.#number(key, fallback, min, max, true);
  }

  /** Any number within the bounds, both included. */
  number(key: string, fallback: number, min: number, max: number): number {
    return this.#number(key, fallback, min, max, false);
  }

  text(key: string, fallback: string): string {
    const value = this.#take(key) ?? fallback;
    if (typeof value === 'string') return value;
    this.complain(key, `is text, not ${named(value)}`);
    return fallback;
  }

  flag(key: string, fallback: boolean): boolean {
    const value = this.#take(key) ?? fallback;
    if (typeof value === 'boolean') return value;
    this.complain(key, `is true or false, not ${named(value)}`);
    return fallback;
  }

  oneOf<T extends string>(key: string, fallback: T, choices: readonly T[]): T {
    const value = this.#take(key) ?? fallback;
    const found = choices.find((choice) => choice === value);
    if (found === undefined) this.complain(key, `is ${choices.join(' or ')}, not ${named(value)}`);
    return found ?? fallback;
  }

  /** An object within this one; an absent one is empty, so every field of it has its default. */
  object<T>(key: string, read: (fields: Fields) => T): T {
    const fields = new Fields(this.#take(key) ?? {}, this.#at(key), this.#problems);
    const result = read(fields);
    fields.end();
    return result;
  }

  /** A list of objects; an absent one is `fallback`. */
  list<T>(key: string, fallback: readonly unknown[], read: (fields: Fields) => T): T[] {
    const value = this.#take(key) ?? fallback;
    if (!Array.isArray(value)) {
      this.complain(key, `is a list, not ${named(value)}`);
      return [];
    }
    return value.map((item: unknown, index) => {
      const fields = new Fields(item, `${this.#at(key)}[${index}]`, this.#problems);
      const result = read(fields);
      fields.end();
      return result;
    });
  }

  /** Texts by name, such as an environment. */
  texts(key: string): Readonly<Record<string, string>> {
    const value = this.#take(key) ?? {};
    if (typeof value !== 'object' || Array.isArray(value)) {
      this.complain(key, `is an object, not ${named(value)}`);
      return {};
    }
    const entries = Object.entries(value as Json);
    for (const [name, text] of entries) {
      if (typeof text !== 'string') this.complain(`${key}.${name}`, `is text, not ${named(text)}`);
    }
    return Object.fromEntries(entries.map(([name, text]) => [name, String(text)]));
  }

  /** A mistake that only the reader of the whole can see. */
  complain(key: string, what: string): void {
    this.#problems.push(`${this.#at(key) || 'the scenario'} ${what}`);
  }

  /** To be called last: what nobody asked for is a word misspelt. */
  end(): void {
    for (const key of Object.keys(this.#json)) {
      if (this.#known.has(key)) continue;
      this.complain(key, `is not known; here belong ${[...this.#known].join(', ')}`);
    }
  }

  #number(key: string, fallback: number, min: number, max: number, isWhole: boolean): number {
    const value = this.#take(key) ?? fallback;
    const isNumber = typeof value === 'number' && (!isWhole || Number.isInteger(value));
    if (isNumber && value >= min && value <= max) return value;
    const kind = isWhole ? 'a whole number' : 'a number';
    this.complain(key, `is ${kind} from ${min} to ${max}, not ${named(value)}`);
    return fallback;
  }

  #take(key: string): unknown {
    this.#known.add(key);
    return this.#json[key];
  }

  #at(key: string): string {
    if (this.#path === '') return key;
    return key === '' ? this.#path : `${this.#path}.${key}`;
  }
}

function named(value: unknown): string {
  if (value === undefined) return 'absent';
  return JSON.stringify(value).slice(0, 40);
}
