import {
  Accounts,
  Guilds,
  Interactions,
  Messages,
  Presence,
  PresenceDirectory,
  ReadStates,
  Topics,
} from './index.js';
import {
  inboxPrefix,
  isDurableSubject,
  methodToken,
  natsPermissions,
  partitionRequests,
  requestSubject,
  requestTemplate,
  topicAll,
  topicEphemeral,
  topicEvents,
  type AppName,
} from './subjects.js';

/** Whether a NATS subject falls under a pattern. */
function matches(pattern: string, subject: string): boolean {
  const wanted = pattern.split('.');
  const tokens = subject.split('.');
  const tail = wanted.indexOf('>');
  if (tail >= 0) return tokens.length > tail && wanted.slice(0, tail).every(fits(tokens));
  return wanted.length === tokens.length && wanted.every(fits(tokens));
}

const fits =
  (tokens: readonly string[]) =>
  (token: string, index: number): boolean =>
    token === '*' || token === tokens[index];

const may = (app: AppName, what: 'publish' | 'subscribe', subject: string): boolean =>
  natsPermissions(app)[what].some((pattern) => matches(pattern, subject));

const TOPIC = (77n << 22n) | (513n << 12n) | 5n;

describe('Subjects', () => {
  it('name the service, the partition and the method', () => {
    expect(requestSubject(Messages.method.createMessage, { partition: 17 })).toBe(
      'guilds.v1.p17.create_message',
    );
    expect(requestSubject(Accounts.method.authenticate, 'any')).toBe(
      'accounts.v1.any.authenticate',
    );
    expect(requestSubject(PresenceDirectory.method.listTopic, 'all')).toBe(
      'presence.v1.all.list_topic',
    );
    expect(requestTemplate(ReadStates.method.ackPins, { partition: 3 })).toBe(
      'read-states.v1.p{partition}.ack_pins',
    );
  });

  it('are under the pattern their owner subscribes to', () => {
    const subject = requestSubject(Topics.method.deliver, { partition: 9 });
    expect(matches(partitionRequests('guilds', 9), subject)).toBe(true);
    expect(matches(partitionRequests('guilds', 10), subject)).toBe(false);
  });

  it('carry the partition that the topic id carries', () => {
    expect(topicEvents(TOPIC)).toBe(`topics.v1.p513.t${TOPIC}.events`);
    expect(matches(topicAll(TOPIC), topicEvents(TOPIC))).toBe(true);
    expect(matches(topicAll(TOPIC), topicEphemeral(TOPIC))).toBe(true);
    expect(isDurableSubject(topicEvents(TOPIC))).toBe(true);
    expect(isDurableSubject(topicEphemeral(TOPIC))).toBe(false);
  });

  it('give every method of a service a name of its own', () => {
    const guilds = [Guilds, Interactions, Messages, Topics].flatMap((service) => service.methods);
    const tokens = guilds.map((method) => methodToken(method as never));
    expect(new Set(tokens).size).toBe(tokens.length);
  });
});

describe('NATS permissions', () => {
  it('let each app do its work', () => {
    expect(may('api', 'publish', requestSubject(Guilds.method.createRole, { partition: 1 }))).toBe(
      true,
    );
    expect(
      may('gateway', 'publish', requestSubject(Presence.method.putSessions, { partition: 1 })),
    ).toBe(true);
    expect(may('gateway', 'subscribe', topicEvents(TOPIC))).toBe(true);
    expect(may('guilds', 'publish', topicEvents(TOPIC))).toBe(true);
    expect(may('presence', 'publish', topicEphemeral(TOPIC))).toBe(true);
    expect(may('read-states', 'publish', topicEphemeral(TOPIC))).toBe(true);
    for (const app of ['gateway', 'api', 'guilds', 'presence', 'read-states'] as const) {
      expect(may(app, 'subscribe', `${inboxPrefix(app)}.abc.1`)).toBe(true);
    }
  });

  it('let no app do what is not its work', () => {
    expect(may('gateway', 'publish', topicEvents(TOPIC))).toBe(false);
    expect(may('api', 'publish', topicEvents(TOPIC))).toBe(false);
    expect(may('presence', 'publish', topicEvents(TOPIC))).toBe(false);
    expect(
      may('read-states', 'publish', requestSubject(Guilds.method.deleteGuild, { partition: 1 })),
    ).toBe(false);
    expect(may('gateway', 'subscribe', 'accounts.v1.any.authenticate')).toBe(false);
    expect(may('presence', 'subscribe', `${inboxPrefix('api')}.abc.1`)).toBe(false);
    expect(may('api', 'subscribe', topicEvents(TOPIC))).toBe(false);
  });
});
