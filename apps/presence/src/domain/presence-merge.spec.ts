import { mergePresence, sessionsJson } from './presence-merge.js';
import { Session, type SessionFacts } from './session.js';
import { User } from './user.js';

const PLAYING = '[{"name":"chess","type":0}]';
const LISTENING = '[{"name":"rain","type":2}]';

let order = 0;

function session(facts: Partial<SessionFacts> = {}): Session {
  const made = new Session(new User(1n, 0), 'gateway-1', {
    sessionId: 'a',
    status: 'online',
    activities: '[]',
    client: 'desktop',
    clientOs: 'linux',
    isAfk: false,
    topicIds: [],
    revision: 1n,
    ...facts,
  });
  made.changedOrder = order += 1;
  return made;
}

describe('The merged presence', () => {
  it.each([
    [[], 'offline'],
    [['invisible'], 'offline'],
    [['invisible', 'invisible'], 'offline'],
    [['online'], 'online'],
    [['idle'], 'idle'],
    [['dnd'], 'dnd'],
    [['invisible', 'idle'], 'idle'],
    [['idle', 'online'], 'online'],
    [['online', 'idle', 'invisible'], 'online'],
    [['dnd', 'online'], 'dnd'],
    [['idle', 'dnd'], 'dnd'],
  ] as const)('of %j is %s', (statuses, merged) => {
    expect(mergePresence(statuses.map((status) => session({ status }))).status).toBe(merged);
  });

  it('names each kind of client with its best status, and no invisible one', () => {
    const sessions = [
      session({ client: 'web', status: 'idle' }),
      session({ client: 'web', status: 'online' }),
      session({ client: 'mobile', status: 'invisible' }),
      session({ client: 'desktop', status: 'dnd' }),
      session({ client: 'toaster' }),
    ];
    expect(JSON.parse(mergePresence(sessions).clientStatus)).toEqual({
      desktop: 'dnd',
      web: 'online',
    });
  });

  it('shows the activities of the session that changed last', () => {
    const sessions = [session({ activities: PLAYING }), session({ activities: LISTENING })];
    expect(mergePresence(sessions).activities).toBe(LISTENING);
    expect(mergePresence(sessions.toReversed()).activities).toBe(LISTENING);
  });

  it.each([
    ['a session without any', session({ activities: '[]' })],
    ['an idle one', session({ activities: LISTENING, status: 'idle' })],
    ['one that is away', session({ activities: LISTENING, isAfk: true })],
    ['an invisible one', session({ activities: LISTENING, status: 'invisible' })],
  ])('prefers an active session with activities to %s', (_, other) => {
    const playing = session({ activities: PLAYING });
    playing.changedOrder = -1;
    expect(mergePresence([playing, other]).activities).toBe(PLAYING);
  });

  it('shows the activities of an idle session if no other has any', () => {
    const sessions = [session(), session({ status: 'idle', activities: PLAYING })];
    expect(mergePresence(sessions).activities).toBe(PLAYING);
  });

  it('shows nothing of somebody who is invisible', () => {
    const hidden = session({ status: 'invisible', activities: PLAYING });
    expect(mergePresence([hidden])).toEqual({
      status: 'offline',
      activities: '[]',
      clientStatus: '{}',
    });
  });
});

describe("A user's own sessions", () => {
  const read = (sessions: readonly Session[]): Record<string, unknown>[] =>
    JSON.parse(sessionsJson(sessions)) as Record<string, unknown>[];

  it('are listed as they are, invisible or not', () => {
    expect(read([session({ status: 'invisible', activities: PLAYING })])).toEqual([
      {
        session_id: 'a',
        status: 'invisible',
        activities: [{ name: 'chess', type: 0 }],
        hidden_activities: [],
        client_info: { client: 'desktop', os: 'linux', version: 0 },
        active: true,
      },
    ]);
    expect(read([])).toEqual([]);
  });

  it('are headed by what they are together when there are several', () => {
    const sessions = [
      session({ sessionId: 'a', status: 'idle', activities: PLAYING }),
      session({ sessionId: 'b', client: 'mobile', clientOs: 'android', isAfk: true }),
    ];
    const [all, ...each] = read(sessions);
    expect(all).toEqual({
      session_id: 'all',
      status: 'online',
      activities: [{ name: 'chess', type: 0 }],
      hidden_activities: [],
      client_info: { client: 'unknown', os: 'unknown', version: 0 },
      active: false,
    });
    expect(each.map((one) => one['session_id'])).toEqual(['b', 'a']);
  });

  it('hide their activities together when all are invisible', () => {
    const hidden = { status: 'invisible', activities: PLAYING } as const;
    const [all] = read([session(hidden), session({ ...hidden, sessionId: 'b' })]);
    expect(all).toMatchObject({ session_id: 'all', status: 'invisible', activities: [] });
  });

  it('are at most 15, the latest', () => {
    const sessions = Array.from({ length: 20 }, (_, at) => session({ sessionId: `s${at}` }));
    const ids = read(sessions).map((one) => one['session_id']);
    expect(ids).toHaveLength(15);
    expect(ids.slice(0, 3)).toEqual(['all', 's19', 's18']);
  });

  it('quote what clients say of themselves', () => {
    expect(read([session({ clientOs: 'a"b', sessionId: '"' })])).toMatchObject([
      { session_id: '"', client_info: { os: 'a"b' } },
    ]);
  });
});
