// What this process counts, and the text that a scraper reads.
//
// A metric with labels is a family of children, one per set of label values. A caller resolves its
// child once and keeps it; recording then touches no map and allocates nothing. A family holds a
// bounded number of children: past the bound everything lands in one child labelled `other`, so
// a label that turns out to be an id costs precision, not memory.

import { COUNT_RANGE, DURATION_RANGE, Histogram, type HistogramRange } from './histogram.js';
import { writeFamily } from './open-metrics.js';

/** Names and describes a metric. The unit becomes the end of the name, as OpenMetrics wants. */
export interface MetricSpec {
  /** Lower-case words and underscores, without unit and without `_total`. */
  readonly name: string;
  readonly help: string;
  readonly unit?: 'seconds' | 'bytes' | 'ratio';
}

/** A metric that exists once per set of label values. */
export interface LabelledSpec<L extends string> extends MetricSpec {
  readonly labels: readonly L[];
  /** How many sets of label values are told apart; 100 unless told. */
  readonly labelSetsMax?: number;
}

/** Something that only goes up. */
export class Counter {
  #value = 0;

  /** Hot path. Adds `amount`, which must not be negative. */
  add(amount = 1): void {
    this.#value += amount;
  }

  get value(): number {
    return this.#value;
  }
}

/** Something that goes up and down. */
export class Gauge {
  #value = 0;

  /** Hot path. */
  set(value: number): void {
    this.#value = value;
  }

  /** Hot path. Adds `amount`, which may be negative. */
  add(amount: number): void {
    this.#value += amount;
  }

  get value(): number {
    return this.#value;
  }
}

export type MetricType = 'counter' | 'gauge' | 'histogram' | 'info';
type Child = Counter | Gauge | Histogram | { readonly value: number };

/** The children of one metric by their label values. */
export interface Labelled<L extends string, C> {
  /** The child for these values, the same each time; resolve it once, outside the hot path. */
  of(values: Readonly<Record<L, string>>): C;
}

/** One metric as the text writer sees it. */
export interface MetricFamily {
  readonly type: MetricType;
  readonly fullName: string;
  readonly spec: MetricSpec;
  readonly labels: readonly string[];
  children(): Iterable<readonly [labelValues: readonly string[], child: Child]>;
}

const NAME = /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/;
const LABEL_SETS_MAX = 100;
const OVERFLOW_VALUE = 'other';

/**
 * The metrics of a process. Asking twice for the same metric gives the same one, so two users of a
 * lib share it; asking for the same name with another type, unit or labels throws.
 */
export class Metrics {
  readonly #families = new Map<string, Family<Child>>();
  readonly #beforeWriting: (() => void)[] = [];

  counter(spec: MetricSpec): Counter {
    return this.#family('counter', spec, [], () => new Counter()).of({});
  }

  counterBy<L extends string>(spec: LabelledSpec<L>): Labelled<L, Counter> {
    return this.#family('counter', spec, spec.labels, () => new Counter(), spec.labelSetsMax);
  }

  gauge(spec: MetricSpec): Gauge {
    return this.#family('gauge', spec, [], () => new Gauge()).of({});
  }

  gaugeBy<L extends string>(spec: LabelledSpec<L>): Labelled<L, Gauge> {
    return this.#family('gauge', spec, spec.labels, () => new Gauge(), spec.labelSetsMax);
  }

  /** A histogram of durations if the unit is seconds, else of counts, unless `range` says. */
  histogram(spec: MetricSpec & { readonly range?: HistogramRange }): Histogram {
    return this.#family('histogram', spec, [], () => new Histogram(rangeOf(spec))).of({});
  }

  histogramBy<L extends string>(
    spec: LabelledSpec<L> & { readonly range?: HistogramRange },
  ): Labelled<L, Histogram> {
    const make = (): Histogram => new Histogram(rangeOf(spec));
    return this.#family('histogram', spec, spec.labels, make, spec.labelSetsMax);
  }

  /**
   * A gauge, or a counter kept elsewhere, that is read when the text is written.
   * One reader per metric: a second one throws.
   */
  observe(type: 'gauge' | 'counter', spec: MetricSpec, read: () => number): void {
    const name = fullNameOf(spec);
    if (this.#families.has(name)) throw new TypeError(`metric ${name} is already observed`);
    this.#family<Child>(type, spec, [], () => ({
      get value() {
        return read();
      },
    })).of({});
  }

  /** A fact about the process, as labels. */
  info(spec: MetricSpec, facts: Readonly<Record<string, string>>): void {
    this.#family<Child>('info', spec, Object.keys(facts), () => ({ value: 1 })).of(facts);
  }

  /** Runs before each writing of the text: for gauges that are costly to keep current. */
  beforeWriting(refresh: () => void): void {
    this.#beforeWriting.push(refresh);
  }

  /** Everything, as OpenMetrics text; serve it as `OPEN_METRICS_CONTENT_TYPE`. */
  writeOpenMetrics(): string {
    for (const refresh of this.#beforeWriting) refresh();
    const lines: string[] = [];
    for (const family of this.#families.values()) writeFamily(family, lines);
    lines.push('# EOF\n');
    return lines.join('\n');
  }

  #family<C extends Child>(
    type: MetricType,
    spec: MetricSpec,
    labels: readonly string[],
    make: () => C,
    labelSetsMax = LABEL_SETS_MAX,
  ): Family<C> {
    const fullName = fullNameOf(spec);
    const known = this.#families.get(fullName);
    if (known !== undefined) {
      if (
        known.type !== type ||
        known.spec.unit !== spec.unit ||
        !sameNames(known.labels, labels)
      ) {
        throw new TypeError(`metric ${fullName} already exists as another kind of metric`);
      }
      return known as Family<C>;
    }
    for (const name of [fullName, ...labels]) {
      if (!NAME.test(name)) throw new TypeError(`not a name for a metric or label: ${name}`);
    }
    const family = new Family(type, fullName, spec, labels, make, labelSetsMax);
    this.#families.set(fullName, family);
    return family;
  }
}

class Family<C extends Child> implements MetricFamily, Labelled<string, C> {
  readonly type: MetricType;
  readonly fullName: string;
  readonly spec: MetricSpec;
  readonly labels: readonly string[];
  readonly #make: () => C;
  readonly #labelSetsMax: number;
  readonly #children = new Map<string, readonly [readonly string[], C]>();

  constructor(
    type: MetricType,
    fullName: string,
    spec: MetricSpec,
    labels: readonly string[],
    make: () => C,
    labelSetsMax: number,
  ) {
    this.type = type;
    this.fullName = fullName;
    this.spec = spec;
    this.labels = labels;
    this.#make = make;
    this.#labelSetsMax = labelSetsMax;
  }

  of(values: Readonly<Record<string, string>>): C {
    const wanted = this.labels.map((label) => values[label] ?? '');
    const known = this.#children.get(wanted.join('\0'));
    if (known !== undefined) return known[1];
    const isFull = this.#children.size >= this.#labelSetsMax;
    const labelValues = isFull ? this.labels.map(() => OVERFLOW_VALUE) : wanted;
    const key = labelValues.join('\0');
    const overflow = this.#children.get(key);
    if (overflow !== undefined) return overflow[1];
    const child = this.#make();
    this.#children.set(key, [labelValues, child]);
    return child;
  }

  children(): Iterable<readonly [readonly string[], C]> {
    return this.#children.values();
  }
}

function fullNameOf(spec: MetricSpec): string {
  return spec.unit === undefined ? spec.name : `${spec.name}_${spec.unit}`;
}

function rangeOf(spec: MetricSpec & { readonly range?: HistogramRange }): HistogramRange {
  return spec.range ?? (spec.unit === 'seconds' ? DURATION_RANGE : COUNT_RANGE);
}

function sameNames(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((name, at) => name === others[at]);
}
