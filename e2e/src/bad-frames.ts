// What clients send that they should not, and the close code the gateway answers with: the table of
// the stories of bad input. https://discord.com/developers/docs/topics/opcodes-and-status-codes

/** What a connection has done before: nothing, or become a session. */
export type Stage = 'fresh' | 'in session';

/** A text or binary message; one that needs a token gets it from the story. */
export type BadMessage = string | Buffer | ((token: string) => string);

export type BadFrame = readonly [what: string, stage: Stage, message: BadMessage, code: number];

/** In the URL, before anything is said. */
export const BAD_URLS: readonly (readonly [query: string, code: number])[] = [
  ['', 4012],
  ['?v=5&encoding=json', 4012],
  ['?v=11&encoding=json', 4012],
  ['?v=ten', 4012],
  ['?v=10&encoding=xml', 4002],
  ['?v=10&encoding=JSON', 4002],
];

const payload = (op: unknown, d?: unknown): string => JSON.stringify({ op, d });
const identify = (more: object) => (token: string) =>
  payload(2, { token, properties: {}, intents: 1, ...more });
const SOME_ID = '817000000000000001';

/** On connections that speak JSON. */
export const BAD_JSON: readonly BadFrame[] = [
  // Not a payload
  ['nothing', 'fresh', '', 4002],
  ['a word', 'fresh', 'hello', 4002],
  ['half a heartbeat', 'fresh', '{"op":1,"d":', 4002],
  ['two payloads in one', 'fresh', '{"op":1,"d":null}{"op":1,"d":null}', 4002],
  ['null', 'fresh', 'null', 4002],
  ['a number', 'fresh', '42', 4002],
  ['an array', 'fresh', '[{"op":1}]', 4002],
  ['no op', 'fresh', '{}', 4002],
  ['an op that is text', 'fresh', '{"op":"1","d":null}', 4002],
  ['an op that is a fraction', 'fresh', '{"op":1.5,"d":null}', 4002],
  ['a thousand arrays', 'fresh', `{"op":1,"d":${'['.repeat(1000)}${']'.repeat(1000)}}`, 4002],
  ['bytes that are no UTF-8', 'fresh', Buffer.from('7b226f70223a31ff7d', 'hex'), 4002],
  ['zlib', 'fresh', Buffer.from('789cab56ca2f50b23204000b5f0249', 'hex'), 4002],
  ['zlib that ends early', 'fresh', Buffer.from('789cab', 'hex'), 4002],
  ['etf', 'fresh', Buffer.from('837400000001640002', 'hex'), 4002],
  ['16 KiB', 'fresh', payload(1, 'x'.repeat(16_384)), 4002],
  ['a megabyte', 'fresh', payload(1, 'x'.repeat(1_048_576)), 4002],
  ['5,000 bytes of a bot', 'in session', payload(3, { status: 'x'.repeat(5_000) }), 4002],

  // Opcodes
  ['an op nobody knows', 'fresh', payload(999, null), 4001],
  ['an op below zero', 'fresh', payload(-1, null), 4001],
  ['a dispatch', 'fresh', payload(0, {}), 4001],
  ['op 7', 'fresh', payload(7, null), 4001],
  ['op 9', 'in session', payload(9, false), 4001],
  ['HELLO', 'fresh', payload(10, { heartbeat_interval: 1 }), 4001],
  ['a heartbeat ack', 'in session', payload(11, null), 4001],
  ['an op nobody knows', 'in session', payload(2 ** 31, {}), 4001],

  // Too early
  ['a presence', 'fresh', payload(3, { status: 'idle' }), 4003],
  ['a voice state', 'fresh', payload(4, { guild_id: SOME_ID, channel_id: null }), 4003],
  ['a question', 'fresh', payload(8, { guild_id: SOME_ID, query: '', limit: 0 }), 4003],
  ['a question about channels', 'fresh', payload(43, { guild_id: SOME_ID, fields: [] }), 4003],

  // IDENTIFY and RESUME
  ['IDENTIFY without data', 'fresh', payload(2), 4002],
  ['IDENTIFY without a token', 'fresh', payload(2, { intents: 1 }), 4002],
  ['IDENTIFY with a number as token', 'fresh', payload(2, { token: 1, intents: 1 }), 4002],
  ['IDENTIFY with an empty token', 'fresh', payload(2, { token: '', intents: 1 }), 4004],
  ['IDENTIFY with a token of nobody', 'fresh', payload(2, { token: 'a.b.c', intents: 1 }), 4004],
  ['IDENTIFY with a huge token', 'fresh', payload(2, { token: 'x'.repeat(3_000) }), 4004],
  ['IDENTIFY with a shard past the last', 'fresh', identify({ shard: [2, 2] }), 4010],
  ['IDENTIFY with half a shard', 'fresh', identify({ shard: [0] }), 4010],
  ['IDENTIFY with a shard of words', 'fresh', identify({ shard: 'first' }), 4010],
  ['IDENTIFY with negative intents', 'fresh', identify({ intents: -1 }), 4013],
  ['IDENTIFY with intents nobody knows', 'fresh', identify({ intents: 2 ** 30 }), 4013],
  ['IDENTIFY with intents in words', 'fresh', identify({ intents: 'all' }), 4013],
  ['IDENTIFY without intents', 'fresh', identify({ intents: null }), 4013],
  ['IDENTIFY with a presence of nobody', 'fresh', identify({ presence: [] }), 4002],
  ['IDENTIFY, again', 'in session', identify({}), 4005],
  ['RESUME in a session', 'in session', payload(6, { token: '', session_id: '', seq: 0 }), 4005],
  ['RESUME without a session', 'fresh', payload(6, { token: 'a.b.c', seq: 1 }), 4002],
  [
    'RESUME with a seq of words',
    'fresh',
    payload(6, { token: '', session_id: '', seq: 'x' }),
    4002,
  ],

  // What each op takes
  ['a heartbeat of words', 'fresh', payload(1, 'now'), 4002],
  ['a heartbeat below zero', 'in session', payload(1, -5), 4002],
  ['a presence nobody knows', 'in session', payload(3, { status: 'happy' }), 4002],
  ['a presence of words', 'in session', payload(3, 'idle'), 4002],
  ['activities that are none', 'in session', payload(3, { activities: { name: 'x' } }), 4002],
  ['a question about no guild', 'in session', payload(8, { query: '', limit: 0 }), 4002],
  ['a question to a word', 'in session', payload(8, { guild_id: 'x', query: '' }), 4002],
  [
    'a limit below zero',
    'in session',
    payload(8, { guild_id: SOME_ID, query: '', limit: -1 }),
    4002,
  ],
  [
    'a question about too many',
    'in session',
    payload(8, {
      guild_id: SOME_ID,
      user_ids: Array.from({ length: 101 }, (_, at) => `${at + 1}`),
    }),
    4002,
  ],
  ['a voice channel in words', 'in session', payload(4, { guild_id: 'here' }), 4002],
  ['sounds of nothing', 'in session', payload(31, {}), 4002],
  ['channels of words', 'in session', payload(43, { guild_id: SOME_ID, fields: 'all' }), 4002],
];

const etf = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');

/** On connections that speak ETF. */
export const BAD_ETF: readonly BadFrame[] = [
  ['nothing', 'fresh', Buffer.alloc(0), 4002],
  ['a version and no more', 'fresh', etf('83'), 4002],
  ['another version', 'fresh', etf('84 74 00000000'), 4002],
  ['JSON', 'fresh', Buffer.from('{"op":1,"d":null}'), 4002],
  ['a tag nobody knows', 'fresh', etf('83 01'), 4002],
  ['a function', 'fresh', etf('83 75 00000000'), 4002],
  ['a process', 'fresh', etf('83 67 64 0001 61 00000000 00000000 00'), 4002],
  ['half a map', 'fresh', etf('83 74 00000002 6d 00000002 6f70 61 01'), 4002],
  ['a map of four billion', 'fresh', etf('83 74 ffffffff 61 01 61 01'), 4002],
  ['a list of four billion', 'fresh', etf('83 6c ffffffff 61 01'), 4002],
  ['a binary of four billion', 'fresh', etf('83 6d ffffffff 61'), 4002],
  ['a number of four billion digits', 'fresh', etf('83 6f ffffffff 00'), 4002],
  ['an empty compressed term', 'fresh', etf('83 50 00000000'), 4002],
  ['a compressed term that is none', 'fresh', etf('83 50 00000010 ffffffff'), 4002],
  ['a thousand lists', 'fresh', etf(`83 ${'6c00000001'.repeat(1000)} 61 01`), 4002],
  ['a map that is not all', 'fresh', etf('83 74 00000001 6d 00000002 6f70 61 01 00'), 4002],
  ['an op nobody knows', 'fresh', etf('83 74 00000001 6d 00000002 6f70 61 fe'), 4001],
  [
    'a presence',
    'fresh',
    etf('83 74 00000002 6d 00000002 6f70 61 03 6d 00000001 64 74 00000000'),
    4003,
  ],
];

/** Bytes of the WebSocket protocol itself, after the handshake; its own codes are 1002 and up. */
export const BAD_BYTES: readonly (readonly [what: string, bytes: Buffer, code: number])[] = [
  ['a frame without a mask', etf('81 01 7b'), 1002],
  ['a frame with reserved bits', etf('f1 80 00000000'), 1002],
  ['a frame of no kind', etf('83 80 00000000'), 1002],
  ['a continuation of nothing', etf('80 80 00000000'), 1002],
  ['a ping that is too long', etf('89 fe 0080 00000000'), 1002],
  ['a ping in pieces', etf('09 80 00000000'), 1002],
  ['a close with half a code', etf('88 81 00000000 03'), 1002],
  ['a close with a code of nobody', etf('88 82 00000000 03ed'), 1002],
  ['a terabyte, as it says', etf('82 ff 0000010000000000 00000000'), 4002],
  ['a billion terabytes, as it says', etf('82 ff 7fffffffffffffff 00000000'), 4002],
  [
    'pieces without an end',
    Buffer.concat([
      etf('01 80 00000000'),
      ...Array.from({ length: 40 }, () =>
        Buffer.concat([etf('00 fe 0400 00000000'), Buffer.alloc(1024, 0x78)]),
      ),
    ]),
    4002,
  ],
];
