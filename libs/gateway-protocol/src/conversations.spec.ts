/**
 * Conversations that real libraries had with a server (`origin` says which are real), replayed: all
 * they say must be understood, and all they were told must survive both encodings.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseConnection } from './api-version.js';
import type { ClientPayload } from './client-payloads.js';
import { codecOf } from './codec.js';
import { isDispatchEvent } from './dispatch-events.js';
import { EncodedDispatch } from './encoded-dispatch.js';
import type { ServerFrame } from './frames.js';
import { parseClientPayload } from './parse-client-payload.js';

interface Conversation {
  readonly client: string;
  readonly origin: string;
  readonly conversation: readonly {
    readonly connect?: string;
    readonly client?: unknown;
    readonly server?: ServerFrame;
  }[];
}

const FOLDER = join(__dirname, '../fixtures');
const conversations = readdirSync(FOLDER).map(
  (file) => JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as Conversation,
);

/** What the client said, in our words, having gone through an encoding. */
function understood(name: string, encoding: 'json' | 'etf' = 'json'): ClientPayload[] {
  const { conversation } = conversations.find(({ client }) => client.startsWith(name))!;
  return conversation.flatMap(({ client }) => {
    if (client === undefined) return [];
    const codec = codecOf(encoding);
    const result = parseClientPayload(codec.decode(codec.encode(client)));
    if (!result.ok) throw new Error(`${result.closeCode} ${result.reason}`);
    return [result.payload];
  });
}

describe.each(conversations.map((one) => [one.client, one] as const))('%s', (name, one) => {
  it('connects with a url that is understood', () => {
    const urls = one.conversation.flatMap(({ connect }) => connect ?? []);
    expect(urls).toHaveLength(2);
    for (const url of urls) {
      expect(parseConnection(url)).toMatchObject({
        ok: true,
        compression: url.includes('compress=') ? 'zlib-stream' : 'none',
      });
    }
  });

  it('is understood in both encodings', () => {
    const said = understood(name);
    expect(said.length).toBeGreaterThan(5);
    expect(understood(name, 'etf')).toEqual(said);
    expect(said[0]).toMatchObject({ op: 2 });
    expect(said.filter(({ op }) => op === 6)).toHaveLength(1);
  });

  it('is told what can be told in both encodings', () => {
    for (const { server } of one.conversation) {
      if (server === undefined) continue;
      for (const encoding of ['json', 'etf'] as const) {
        const codec = codecOf(encoding);
        expect(codec.decode(codec.encode(server))).toEqual(server);
        if (server.op !== 0) continue;
        expect(isDispatchEvent(server.t!)).toBe(true);
        const event = new EncodedDispatch(server.t!, Buffer.from(JSON.stringify(server.d)));
        expect(codec.decode(event.frame(encoding, server.s!))).toEqual(server);
      }
    }
  });
});

describe('the libraries', () => {
  it('differ in what they identify with', () => {
    expect(understood('discord.js')[0]).toMatchObject({
      token: 'ODEzODQ3ODg3NjU3MTIzODQ.Gfixture.not-a-real-token-0000000000000',
      largeThreshold: 50,
      shard: { id: 0, count: 1 },
      presence: { status: 'idle', activities: [{ name: 'fixtures', type: 3 }] },
      intents: 40_835,
    });
    expect(understood('eris')[0]).toMatchObject({
      token: 'ODEzODQ3ODg3NjU3MTIzODQ.Gfixture.not-a-real-token-0000000000000',
      largeThreshold: 250,
      shard: null,
      presence: { status: 'offline', activities: [] },
    });
    expect(understood('oceanic.js 1.15.0, compress')[0]).toMatchObject({
      token: 'ODEzODQ3ODg3NjU3MTIzODQ.Gfixture.not-a-real-token-0000000000000',
      compress: false,
      properties: { browser: 'Oceanic' },
    });
  });

  it('ask for members with a nonce that comes back', () => {
    for (const name of ['discord.js', 'eris', 'oceanic.js']) {
      const requests = understood(name).filter((payload) => payload.op === 8);
      expect(requests).toHaveLength(3);
      expect(requests.every(({ nonce }) => nonce !== null)).toBe(true);
      expect(requests.map(({ query }) => query)).toEqual(['', null, 'rec']);
    }
  });

  it('heartbeat with 0 before anything was received, in one case', () => {
    expect(understood('oceanic.js')).toContainEqual({ op: 1, sequence: 0 });
  });
});
