// Hot path: PresenceTable.takeNews, takeUserNews, mergePresence; and what a put, a renewal and a
// lease cost beside them. 100,000 users, a session each, in 20 of 5,000 guilds. Times are the main
// thread's CPU time, so that what else the machine does counts less.
//
//   npm run bench -- presence
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { PutSessionsRequestSchema } from '@guildhall/contracts';
import { SeededRandom } from '@guildhall/testkit';
import { mergePresence } from '../src/domain/presence-merge.js';
import { News } from '../src/domain/presence-news.js';
import { PresenceTable } from '../src/domain/presence-table.js';
import { sessionFacts } from '../src/inbound/session-facts.js';
import { PresenceBroadcast } from '../src/outbound/presence-broadcast.js';

const USERS_COUNT = 100_000;
const GUILDS_COUNT = 5_000;
const GUILDS_PER_USER = 20;
const CHANGES_PER_WINDOW = 500;
const WINDOWS_COUNT = 100;
const PARTITION = 0;
const GATEWAY = 'gateway-1';
const STATUSES = ['online', 'idle', 'dnd'];
const PLAYING = Buffer.from('[{"name":"chess","type":0,"created_at":1800000000000}]');

const random = new SeededRandom(1);
const guilds = Array.from({ length: GUILDS_COUNT }, () => random.bigint(63));
const topicsByUser = Array.from({ length: USERS_COUNT }, () => {
  const topicIds = new Set<bigint>();
  while (topicIds.size < GUILDS_PER_USER) topicIds.add(random.pick(guilds));
  return [...topicIds];
});
let publishedCount = 0;
const bus = { publish: () => ((publishedCount += 1), true) };
const broadcast = new PresenceBroadcast(bus as never, 'presence-1');
const table = new PresenceTable({ sessionsMax: USERS_COUNT, sessionLeaseMs: 30_000 });

function request(userId: number, revision: number): Uint8Array {
  const session = {
    userId: BigInt(userId),
    sessionId: `session-${userId}`,
    status: STATUSES[revision % STATUSES.length]!,
    activitiesJson: revision % 2 === 0 ? PLAYING : Buffer.from('[]'),
    client: 'web',
    clientOs: 'linux',
    topicIds: topicsByUser[userId]!,
    isBot: true,
    revision: BigInt(revision),
  };
  const fields = { gatewayInstance: GATEWAY, partition: PARTITION, sessions: [session] };
  return toBinary(PutSessionsRequestSchema, create(PutSessionsRequestSchema, fields));
}

function put(bytes: Uint8Array): void {
  for (const session of fromBinary(PutSessionsRequestSchema, bytes).sessions) {
    const { userId, isBot } = session;
    const facts = sessionFacts(session, 16_384, () => undefined);
    table.put(PARTITION, { userId, isBot, gateway: GATEWAY }, facts, 0);
  }
}

/** Says all that waits; gives how many events that were, and how long they took to find. */
function say(): { eventsCount: number; foundMs: number } {
  const news = new News();
  const foundMs = timed(() => table.takeNews(news, Infinity, Infinity));
  broadcast.say(news, 0n);
  return { eventsCount: news.eventsCount, foundMs };
}

function timed(work: () => void): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1_000;
}

const collect = (globalThis as { gc?: () => void }).gc ?? ((): void => undefined);
const us = (ms: number, count: number): string => `${((ms * 1_000) / count).toFixed(2)} us`;
const rate = (ms: number, count: number): string =>
  `${Math.round((count * 1_000) / ms).toLocaleString('en')}/s`;

collect();
const heapBefore = process.memoryUsage().heapUsed;
table.hold(PARTITION);
const puts = Array.from({ length: USERS_COUNT }, (_, userId) => request(userId, 1));
const firstMs = timed(() => puts.forEach(put));
puts.length = 0;
collect();
const bytesPerUser = (process.memoryUsage().heapUsed - heapBefore) / USERS_COUNT;
console.log(`put, first time: ${us(firstMs, USERS_COUNT)}, ${rate(firstMs, USERS_COUNT)}`);
console.log(`heap: ${Math.round(bytesPerUser)} bytes a user in ${GUILDS_PER_USER} guilds`);
if (say().eventsCount !== 0) throw new Error('what settles is not said');
table.settled(PARTITION);
let repeated = { eventsCount: 0, foundMs: 0 };
const repeatMs = timed(() => (repeated = say()));
console.log(`repeated after a takeover: ${rate(repeatMs, repeated.eventsCount)} events`);

let putMs = 0;
let sayMs = 0;
let foundMs = 0;
let eventsCount = 0;
for (let window = 0; window < WINDOWS_COUNT; window += 1) {
  const changes = Array.from({ length: CHANGES_PER_WINDOW }, () =>
    request(random.int(USERS_COUNT), window + 2),
  );
  putMs += timed(() => changes.forEach(put));
  sayMs += timed(() => {
    const said = say();
    foundMs += said.foundMs;
    eventsCount += said.eventsCount;
  });
}
const changesCount = CHANGES_PER_WINDOW * WINDOWS_COUNT;
console.log(`put, a change: ${us(putMs, changesCount)}, ${rate(putMs, changesCount)}`);
console.log(`takeNews: ${us(foundMs, eventsCount)} an event, ${rate(foundMs, eventsCount)}`);
console.log(
  `takeNews and encoding, published to nobody: ${us(sayMs, eventsCount)} an event, ` +
    `${rate(sayMs, eventsCount)} events, ${rate(putMs + sayMs, changesCount)} updates of users`,
);

const merged = [...table.onlineIn(guilds[0]!)];
const listMs = timed(() => void [...table.onlineIn(guilds[0]!)].map((user) => user.presence));
console.log(`who is online in a guild: ${us(listMs, merged.length)} each of ${merged.length}`);
const { sessions } = merged[0]!;
const mergeMs = timed(() => {
  for (let round = 0; round < 1_000_000; round += 1) mergePresence(sessions);
});
console.log(`mergePresence of one session: ${us(mergeMs, 1_000_000)}`);
const renewMs = timed(() => {
  for (let userId = 0; userId < USERS_COUNT; userId += 1) {
    const key = { userId: BigInt(userId), sessionId: `session-${userId}`, gateway: GATEWAY };
    table.renew(PARTITION, key, 20_000);
  }
});
console.log(`renew: ${us(renewMs, USERS_COUNT)}`);
const lookMs = timed(() => void table.expire(30_000));
console.log(`a look at every lease, all renewed: ${us(lookMs, USERS_COUNT)} each`);
let endedCount = 0;
const endMs = timed(() => (endedCount = table.expire(50_000)));
console.log(`leases that run out: ${us(endMs, endedCount)} each`);
if (endedCount !== USERS_COUNT || publishedCount === 0) throw new Error('nothing was measured');
