// An answer that is larger than a message may be travels in parts, all at once, so that nothing the
// owner publishes afterwards overtakes it. Each part carries one header:
//
//   Guildhall-Part: <answer>/<index>/<count>
//
// `answer` is unique to the answer, since several instances may answer one request.
import { Fault, FaultCode } from '@guildhall/fault';

export const PART_HEADER = 'Guildhall-Part';
const PART = /^([^/]{1,64})\/(\d{1,5})\/(\d{1,5})$/;
const PARTS_MAX = 65_536;

/** The parts of `bytes`, each of at most `partBytesMax`, as views. */
export function split(bytes: Uint8Array, partBytesMax: number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += partBytesMax) {
    parts.push(bytes.subarray(at, at + partBytesMax));
  }
  return parts;
}

/** What the header of a part says. */
export function partHeader(answer: string, index: number, count: number): string {
  return `${answer}/${index}/${count}`;
}

/** Bytes held for unfinished answers, over all requests of a connection. */
export interface AssemblyBudget {
  bytes: number;
  readonly bytesMax: number;
}

interface Answer {
  readonly parts: (Uint8Array | undefined)[];
  missing: number;
  bytes: number;
}

/** Puts the answers to one request together. Parts may come twice and in any order. */
export class Assembly {
  readonly #answers = new Map<string, Answer>();
  readonly #bytesMax: number;
  readonly #budget: AssemblyBudget;

  constructor(bytesMax: number, budget: AssemblyBudget) {
    this.#bytesMax = bytesMax;
    this.#budget = budget;
  }

  /**
   * Takes a part; gives the whole answer when it was the last one missing. Throws a Fault:
   * `malformed` for a header that makes no sense, `overloaded` past a bound.
   */
  add(header: string, part: Uint8Array): Uint8Array | undefined {
    const [, name, indexText, countText] = PART.exec(header) ?? malformed(header);
    const index = Number(indexText);
    const count = Number(countText);
    if (count < 1 || count > PARTS_MAX || index >= count) malformed(header);
    let answer = this.#answers.get(name!);
    if (answer === undefined) {
      answer = { parts: new Array<undefined>(count).fill(undefined), missing: count, bytes: 0 };
      this.#answers.set(name!, answer);
    }
    if (answer.parts.length !== count) malformed(header);
    if (answer.parts[index] !== undefined) return undefined;
    if (answer.bytes + part.length > this.#bytesMax) {
      throw new Fault(FaultCode.Overloaded, `answer of more than ${this.#bytesMax} bytes`);
    }
    if (this.#budget.bytes + part.length > this.#budget.bytesMax) {
      throw new Fault(FaultCode.Overloaded, 'too many large answers at once');
    }
    answer.parts[index] = part;
    answer.bytes += part.length;
    this.#budget.bytes += part.length;
    answer.missing -= 1;
    if (answer.missing > 0) return undefined;
    this.#answers.delete(name!);
    this.#budget.bytes -= answer.bytes;
    return join(answer.parts as Uint8Array[], answer.bytes);
  }

  /** Forgets what is unfinished. */
  release(): void {
    for (const answer of this.#answers.values()) this.#budget.bytes -= answer.bytes;
    this.#answers.clear();
  }
}

function join(parts: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function malformed(header: string): never {
  throw new Fault(FaultCode.Malformed, `part header ${JSON.stringify(header.slice(0, 100))}`);
}
