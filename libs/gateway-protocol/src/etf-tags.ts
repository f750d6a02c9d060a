/**
 * The first byte of each term of Erlang's External Term Format, as far as gateway clients use it.
 * https://www.erlang.org/doc/apps/erts/erl_ext_dist.html
 */
export const EtfTag = {
  Version: 131,
  Compressed: 80,
  NewFloat: 70,
  SmallInteger: 97,
  Integer: 98,
  Float: 99,
  Atom: 100,
  SmallTuple: 104,
  LargeTuple: 105,
  Nil: 106,
  String: 107,
  List: 108,
  Binary: 109,
  SmallBig: 110,
  LargeBig: 111,
  SmallAtom: 115,
  Map: 116,
  AtomUtf8: 118,
  SmallAtomUtf8: 119,
} as const;
