import { snowflakeAt } from '@guildhall/snowflake';
import { counted } from '../testing/message-stage.js';
import {
  MENTIONS_PER_CHANNEL_MAX,
  mentionDocument,
  MentionLog,
  type MentionRecord,
} from './mention-log.js';

const CHANNEL = 1n;
const ME = 7n;
const OTHER = 8n;
const ROLE = 50n;

const record = (messageId: bigint, more: Partial<MentionRecord> = {}): MentionRecord => ({
  messageId,
  authorId: OTHER,
  everyone: false,
  roleIds: [],
  userIds: [],
  roleUserIds: [],
  ...more,
});

const asked = { ...counted(ME), channelId: CHANNEL, position: 0n };

describe('MentionLog', () => {
  it('counts by name, by role, by everyone, past a position, and not what one wrote', () => {
    const log = new MentionLog();
    log.put(CHANNEL, record(1n, { userIds: [ME] }));
    log.put(CHANNEL, record(2n, { roleIds: [ROLE] }));
    log.put(CHANNEL, record(3n, { everyone: true }));
    log.put(CHANNEL, record(4n, { userIds: [OTHER] }));
    log.put(CHANNEL, record(5n, { everyone: true, authorId: ME }));
    log.put(2n, record(6n, { userIds: [ME] }));
    expect(log.count(asked)).toBe(2);
    expect(log.count({ ...asked, roleIds: [ROLE] })).toBe(3);
    expect(log.count({ ...asked, roleIds: [ROLE], position: 1n })).toBe(2);
    expect(log.count({ ...asked, position: 3n })).toBe(0);
    expect(log.count({ ...asked, channelId: 3n })).toBe(0);
  });

  it('leaves out what was written before somebody joined', () => {
    const log = new MentionLog();
    const joinedAtMs = Date.UTC(2026, 1, 1);
    log.put(CHANNEL, record(snowflakeAt(joinedAtMs) - 1n, { everyone: true }));
    expect(log.count({ ...asked, joinedAtMs })).toBe(0);
    log.put(CHANNEL, record(snowflakeAt(joinedAtMs), { everyone: true }));
    expect(log.count({ ...asked, joinedAtMs })).toBe(1);
  });

  it('has one record of a message, wherever it lies, and takes it away again', () => {
    const log = new MentionLog();
    for (const id of [3n, 1n, 2n]) log.put(CHANNEL, record(id, { userIds: [ME] }));
    log.put(CHANNEL, record(2n, { userIds: [OTHER] }));
    expect(log.count(asked)).toBe(2);
    expect(log.count({ ...asked, position: 1n })).toBe(1);
    log.delete(CHANNEL, 3n);
    log.delete(CHANNEL, 9n);
    log.delete(9n, 9n);
    expect(log.count(asked)).toBe(1);
    expect([log.has(CHANNEL, 1n), log.has(CHANNEL, 3n), log.has(9n, 1n)]).toEqual([
      true,
      false,
      false,
    ]);
    log.forgetChannel(CHANNEL);
    expect(log.count(asked)).toBe(0);
  });

  it('comes back from its rows', () => {
    const records = [
      record(1n, { everyone: true }),
      record(2n, { roleIds: [ROLE], userIds: [ME, OTHER] }),
      record(3n, { authorId: ME, userIds: [ME] }),
    ];
    const log = new MentionLog();
    log.restore(
      records.map((each) => ({
        key: [CHANNEL, each.messageId],
        document: JSON.parse(JSON.stringify(mentionDocument(each))),
      })),
    );
    expect(log.count(asked)).toBe(2);
    expect(log.count({ ...asked, userId: 9n })).toBe(1);
    expect(log.count({ ...asked, userId: 9n, roleIds: [ROLE] })).toBe(2);
    expect(log.knownFrom(CHANNEL)).toBe(0n);
  });

  it('counts what is not suppressed, each message by what it mentions somebody', () => {
    const log = new MentionLog();
    log.put(CHANNEL, record(1n, { everyone: true }));
    log.put(CHANNEL, record(2n, { roleIds: [ROLE] }));
    log.put(CHANNEL, record(3n, { roleUserIds: [ME] }));
    log.put(CHANNEL, record(4n, { everyone: true, roleUserIds: [ME] }));
    log.put(CHANNEL, record(5n, { everyone: true, roleIds: [ROLE], userIds: [ME] }));
    const holder = { ...asked, roleIds: [ROLE] };
    const counts = [false, true].map((suppressEveryone) =>
      [false, true].map((suppressRoles) =>
        log.count({ ...holder, suppressEveryone, suppressRoles }),
      ),
    );
    expect(counts).toEqual([
      [5, 3],
      [4, 1],
    ]);
  });

  it('keeps the newest of a channel, and says from where on', () => {
    const log = new MentionLog();
    const max = BigInt(MENTIONS_PER_CHANNEL_MAX);
    for (let id = 1n; id <= max; id += 1n) log.put(CHANNEL, record(id, { userIds: [ME] }));
    expect(log.knownFrom(CHANNEL)).toBe(0n);
    log.put(CHANNEL, record(max + 1n, { userIds: [ME] }));
    expect(log.knownFrom(CHANNEL)).toBe(1n);
    expect(log.count(asked)).toBe(MENTIONS_PER_CHANNEL_MAX);
    log.put(CHANNEL, record(1n, { userIds: [ME] }));
    expect(log.count(asked)).toBe(MENTIONS_PER_CHANNEL_MAX);
    expect(log.has(CHANNEL, 1n)).toBe(false);
  });

  it('knows that full rows may not be all', () => {
    const log = new MentionLog();
    const document = mentionDocument(record(0n, { everyone: true }));
    const rows = Array.from({ length: MENTIONS_PER_CHANNEL_MAX }, (_, index) => ({
      key: [CHANNEL, BigInt(index + 10)],
      document,
    }));
    log.restore([...rows, { key: [2n, 5n], document }]);
    expect(log.knownFrom(CHANNEL)).toBe(9n);
    expect(log.knownFrom(2n)).toBe(0n);
    expect(log.count({ ...asked, position: 9n })).toBe(MENTIONS_PER_CHANNEL_MAX);
  });
});
