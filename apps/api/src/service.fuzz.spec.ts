// Whatever a client sends, it is answered in the protocol's own terms, and nobody else notices.
// SEED=… repeats a run.
import { Agent, request as httpRequest } from 'node:http';
import { SeededRandom, seedFromEnv } from '@guildhall/testkit';
import { makeGround, makeWorld, type Ground, type World } from './api-world.conformance.js';
import type { Ports } from './domain/ports.js';
import type { Events } from './events.js';
import { allRoutes } from './inbound/routes.js';

const REQUESTS_COUNT = Number(process.env['FUZZ_REQUESTS'] ?? 2_000);
const AT_ONCE = 16;

const random = new SeededRandom(seedFromEnv(process.env['SEED']));
const ROUTES = allRoutes({} as Ports, {} as Events);

const ID_LIKE = [
  '0',
  '1',
  '817000000000000001',
  '9223372036854775807',
  '9223372036854775808',
  '-1',
];
const ODD_TEXTS = [
  '',
  ' ',
  'abc',
  '@me',
  '__proto__',
  'constructor',
  '\u0000',
  '\ud800',
  '💥'.repeat(40),
  'x'.repeat(5_000),
  'null',
  'NaN',
  '2026-01-01T00:00:00Z',
  'data:image/png;base64,AAAA',
  'data:image/gif;base64,R0lGODlhAQABAAAAACw=',
  'http://example.org/a.png',
  'javascript:alert(1)',
  "'; DROP TABLE users; --",
];
const KEYS = [
  ...['content', 'embeds', 'embed', 'nonce', 'tts', 'flags', 'attachments', 'components'],
  ...['allowed_mentions', 'message_reference', 'message_id', 'sticker_ids', 'messages', 'title'],
  ...['fields', 'name', 'value', 'url', 'author', 'footer', 'image', 'timestamp', 'color', 'parse'],
  ...['users', 'username', 'email', 'password', 'login', 'global_name', 'avatar', 'new_password'],
  ...['recipient_id', 'recipients', 'description', 'icon', 'bot_public', 'type', 'options'],
  ...['choices', 'required', 'guild_id', 'permissions', 'authorize', 'read_states', 'channel_id'],
  ...['manual', 'mention_count', 'last_viewed', 'read_state_type', 'version', 'limit', 'before'],
  ...[
    'nick',
    'roles',
    'mute',
    'deaf',
    'topic',
    'position',
    'parent_id',
    'nsfw',
    'bitrate',
    'colors',
  ],
  ...['primary_color', 'hoist', 'mentionable', 'unicode_emoji', 'permission_overwrites', 'id'],
  ...['allow', 'deny', 'user_ids', 'delete_message_seconds', 'max_age', 'max_uses', 'temporary'],
  ...['owner_id', 'preferred_locale', 'afk_timeout', 'splash', 'banner', 'query', 'with_counts'],
  ...['communication_disabled_until', 'access_token', 'user_limit', 'rate_limit_per_user'],
  ...['client_id', 'scope', 'default_member_permissions', 'name_localizations', 'en-US'],
  ...['__proto__', 'constructor', 'toString', 'payload_json', '\u0000key'],
];
const CONTENT_TYPES = [
  'application/json',
  'application/json; charset=utf-8',
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=b',
  'multipart/form-data',
  'nonsense',
  '',
];
const RAW_BODIES = [
  '',
  '{',
  'null',
  '[]',
  '"text"',
  '1e999',
  '{"content":1e400}',
  '{"__proto__":{"content":"x"}}',
  '['.repeat(20_000),
  `{"components":${'['.repeat(3_000)}${']'.repeat(3_000)}}`,
  '{"components":[{"a":"\\u0000\\ud800"}]}',
  '--b\r\nContent-Disposition: form-data; name="content"\r\n\r\nhi\r\n--b--\r\n',
  '--b\r\nContent-Disposition: form-data; name="__proto__"\r\n\r\nhi\r\n--b--\r\n',
  '--b\r\nContent-Disposition: form-data; name="payload_json"\r\n\r\n{\r\n--b--\r\n',
  '--b\r\nContent-Disposition: form-data; name="f"; filename="../x"\r\n\r\nhi\r\n--b--\r\n',
  '--b\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\nhi',
];

function junk(depth: number): unknown {
  switch (random.int(depth > 0 ? 9 : 7)) {
    case 0:
      return random.pick(ODD_TEXTS);
    case 1:
      return random.pick(ID_LIKE);
    case 2:
      return random.pick([0, -1, 1.5, 2 ** 53, 1e300, 255, 1 << 12]);
    case 3:
      return random.chance(0.5);
    case 4:
      return null;
    case 5:
      return random.pick([[], {}, [null], ['users']]);
    case 6:
      return random.pick(['hello', 'ping', 'correct horse', 'alice', 'a@example.org']);
    case 7:
      return Array.from({ length: random.int(12) }, () => junk(depth - 1));
    default:
      return junkObject(depth - 1);
  }
}

function junkObject(depth: number): object {
  const entries = Array.from({ length: random.int(8) }, () => [random.pick(KEYS), junk(depth)]);
  return Object.fromEntries(entries) as object;
}

function junkPath(pattern: string): string {
  const filled = pattern.replace(/:(\w+)/g, (_all, name: string) => {
    if (random.chance(0.6))
      return name.endsWith('_id') ? random.pick(ID_LIKE.slice(1, 4)) : '%F0%9F%91%8D';
    return encodeURIComponent(random.pick([...ODD_TEXTS, ...ID_LIKE]).replace(/\p{Cs}/gu, '?'));
  });
  const query = random.chance(0.3)
    ? `?${random.pick(KEYS)}=${encodeURIComponent(String(junk(0)).replace(/\p{Cs}/gu, '?'))}`
    : random.pick(['', '', '?', '/', '?limit=5&limit=6', '?a[b]=c', '?%E0%A4%A', '%ZZ']);
  return random.pick(['/api/v10', '/api/v9', '/api', '/api/v11']) + filled + query;
}

function junkBody(): Buffer {
  if (random.chance(0.25)) return Buffer.from(random.pick(RAW_BODIES));
  const text = JSON.stringify(random.chance(0.9) ? junkObject(4) : junk(4)) ?? '';
  const bytes = Buffer.from(text);
  if (bytes.length > 0 && random.chance(0.05)) bytes[random.int(bytes.length)] = random.int(256);
  return bytes;
}

describe(`The api under junk (${random})`, () => {
  let ground: Ground;
  let world: World;
  let tokens: (string | undefined)[];
  /** Of somebody whose token may die. */
  let leaver: string;
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });

  beforeAll(async () => {
    ground = await makeGround();
    world = await makeWorld(
      ground,
      { rateLimitFactor: 1_000_000, invalidRequestsMax: 1_000_000_000 },
      { isQuiet: true },
    );
    const alice = await world.person('alice');
    const bot = await world.bot(alice.token, 'Helper');
    tokens = [alice.token, bot.token, alice.token, bot.token, 'Bot a.b.c', undefined];
    leaver = (await world.person('leaver')).token;
    world.owners.on('listChannels', () => ({ json: Buffer.from('[]') }));
    // What is read here and not only passed on.
    for (const method of ['getUserGuild', 'getGuild', 'modifyMember']) {
      world.owners.on(method, () => ({ json: Buffer.from('{"permissions":"-1"}') }));
    }
  }, 60_000);
  afterAll(async () => {
    agent.destroy();
    await world?.[Symbol.asyncDispose]();
    await ground?.end();
  });

  it(`answers ${REQUESTS_COUNT} requests, none with 5xx, all in form`, async () => {
    const statuses = new Map<number, number>();
    let left = REQUESTS_COUNT;
    const worker = async (): Promise<void> => {
      while (left-- > 0) {
        const { method, path: pattern } = random.pick(ROUTES);
        const path = junkPath(pattern);
        // Whoever logs out is a stranger from then on, whom nothing is done for.
        const token = pattern === '/auth/logout' ? leaver : random.pick(tokens);
        const contentType = random.chance(0.8) ? 'application/json' : random.pick(CONTENT_TYPES);
        const body = method === 'GET' ? Buffer.alloc(0) : junkBody();
        const answer = await send(method, path, token, contentType, body);
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        const shown = `${method} ${path} ${contentType} ${body.toString().slice(0, 300)}`;
        if (answer.status >= 500) {
          throw new Error(`${answer.status} ${answer.text} to ${shown}`);
        }
        if (answer.text !== '') {
          expect(answer.contentType).toBe('application/json');
          JSON.parse(answer.text);
        }
        if (answer.status >= 400) expect(answer.text).toContain('"message"');
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    // The junk reaches everywhere: some is fine, some is refused at each stage.
    // Of the rarest there are some thirty, so five is not left to chance.
    for (const status of [200, 204, 400, 401, 403, 404]) {
      expect(statuses.get(status) ?? 0).toBeGreaterThan(5);
    }
    expect((await world.ask('GET', '/gateway')).status).toBe(200);
  }, 120_000);

  function send(
    method: string,
    path: string,
    token: string | undefined,
    contentType: string,
    body: Buffer,
  ): Promise<{ status: number; contentType: string | undefined; text: string }> {
    return new Promise((resolve, reject) => {
      const outgoing = httpRequest(
        world.url,
        {
          agent,
          method,
          path: path.replace(/[^\x21-\x7e]/g, '?'),
          headers: {
            ...(token === undefined ? {} : { authorization: token }),
            ...(body.length === 0 || contentType === '' ? {} : { 'content-type': contentType }),
            ...(method === 'GET' ? {} : { 'content-length': body.length }),
          },
        },
        (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
          incoming.on('error', reject);
          incoming.on('end', () =>
            resolve({
              status: incoming.statusCode ?? 0,
              contentType: incoming.headers['content-type'],
              text: Buffer.concat(chunks).toString(),
            }),
          );
        },
      );
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }
});
