/** A level of the trie: what may come next, and who is interested up to here. */
interface Node<T> {
  readonly children: Map<string, Node<T>>;
  /** Interested in exactly this subject. */
  readonly here: Set<T>;
  /** Interested in anything below (`>`). */
  readonly below: Set<T>;
}

/** Who is interested in a subject, with `*` for one token and a final `>` for one or more. */
export class SubjectTrie<T> {
  readonly #root: Node<T> = emptyNode();

  add(pattern: string, interest: T): void {
    this.#place(pattern).add(interest);
  }

  delete(pattern: string, interest: T): void {
    this.#place(pattern).delete(interest);
  }

  /** Everyone whose pattern matches, in no particular order. */
  match(subject: string): T[] {
    const found: T[] = [];
    collect(this.#root, subject.split('.'), 0, found);
    return found;
  }

  #place(pattern: string): Set<T> {
    const tokens = pattern.split('.');
    const isOpenEnded = tokens.at(-1) === '>';
    if (isOpenEnded) tokens.pop();
    let node = this.#root;
    for (const token of tokens) {
      let child = node.children.get(token);
      if (child === undefined) node.children.set(token, (child = emptyNode()));
      node = child;
    }
    return isOpenEnded ? node.below : node.here;
  }
}

function collect<T>(node: Node<T>, tokens: readonly string[], at: number, found: T[]): void {
  if (at === tokens.length) {
    if (node.here.size > 0) found.push(...node.here);
    return;
  }
  if (node.below.size > 0) found.push(...node.below);
  const literal = node.children.get(tokens[at]!);
  if (literal !== undefined) collect(literal, tokens, at + 1, found);
  const any = node.children.get('*');
  if (any !== undefined) collect(any, tokens, at + 1, found);
}

function emptyNode<T>(): Node<T> {
  return { children: new Map(), here: new Set(), below: new Set() };
}
