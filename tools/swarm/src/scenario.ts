// What a run is made of: how many sessions of which kind, in which guilds, what is said and what
// goes wrong meanwhile. A scenario is a small JSON file; everything else is drawn from its seed.

import { Fields, ScenarioError } from './scenario-fields.js';

/** How a connection is encoded and compressed; the URL's words. */
export interface Wire {
  readonly encoding: 'json' | 'etf';
  readonly compression: 'none' | 'zlib-stream' | 'zstd-stream';
  /** Weight among all wires of the scenario. */
  readonly share: number;
}

/** Guilds that are alike. */
export interface GuildKind {
  readonly count: number;
  /** Accounts in each, drawn by chance from all: guilds overlap. */
  readonly members: number;
  /** Text channels that everybody may view. */
  readonly channels: number;
  /** Text channels that only some roles may view. */
  readonly hiddenChannels: number;
  /** Roles besides @everyone; every member has one of them or none. */
  readonly roles: number;
}

/** See {@link readScenario} for defaults and limits. */
export interface Scenario {
  readonly name: string;
  readonly about: string;
  readonly seed: number;
  readonly durationS: number;
  readonly fleet: {
    readonly gateways: number;
    readonly guilds: number;
    /** Whether PostgreSQL has a commit on disk when it answers. */
    readonly durable: boolean;
    readonly gatewayEnv: Readonly<Record<string, string>>;
  };
  readonly clients: {
    /** Processes that hold the sessions. */
    readonly processes: number;
    /** Addresses of 127.0.0.0/8 to connect from; each has some 28,000 ports. */
    readonly sourceAddresses: number;
    /** IDENTIFYs begun in a second, over all processes. */
    readonly identifiesPerS: number;
    /** Between two IDENTIFYs of one account; 0 where the fleet was told not to mind. */
    readonly identifyIntervalMs: number;
    /** How long all of them may take to be ready. */
    readonly connectTimeoutS: number;
    /** How long the last messages may take to arrive everywhere. */
    readonly settleTimeoutS: number;
    /** One payload in so many is decoded in full and compared with what the scan found. */
    readonly fullDecodeEvery: number;
  };
  readonly sessions: {
    readonly bots: number;
    readonly people: number;
    /** Sessions that share an account. */
    readonly perAccount: number;
    /** Bots also ask for presences. */
    readonly presences: boolean;
  };
  readonly wires: readonly Wire[];
  readonly guilds: readonly GuildKind[];
  readonly traffic: {
    readonly messagesPerS: number;
    readonly contentBytes: number;
    /** `bus`: commands straight to owners, so that the fan-out is measured and not HTTP. */
    readonly via: 'bus' | 'api';
    readonly typingPerS: number;
    readonly presencesPerS: number;
    readonly acksPerS: number;
  };
  /** Overwrites put and deleted, roles given and taken. */
  readonly permissionChangesPerS: number;
  readonly slowReaders: {
    readonly share: number;
    readonly pauseMs: number;
    readonly everyS: number;
  };
  readonly reconnects: {
    readonly perS: number;
    /** The others begin anew although they could resume. */
    readonly resumeShare: number;
  };
  readonly storms: readonly {
    readonly atS: number;
    readonly share: number;
    readonly resumeShare: number;
    /** Over how long they come back. */
    readonly spreadMs: number;
  }[];
}

const ROLES_MAX = 16;
/** What the checker keeps per session and channel must fit into memory. */
const POSITIONS_MAX = 100_000_000;

/** Reads the parsed JSON of a scenario. Throws a {@link ScenarioError} that names every mistake. */
export function readScenario(json: unknown): Scenario {
  const problems: string[] = [];
  const fields = new Fields(json, '', problems);
  const scenario: Scenario = {
    name: fields.text('name', 'unnamed'),
    about: fields.text('about', ''),
    seed: fields.whole('seed', 1, 0, 2 ** 32 - 1),
    durationS: fields.number('durationS', 60, 1, 3_600),
    fleet: fields.object('fleet', (own) => ({
      gateways: own.whole('gateways', 1, 1, 64),
      guilds: own.whole('guilds', 1, 1, 64),
      durable: own.flag('durable', true),
      gatewayEnv: own.texts('gatewayEnv'),
    })),
    clients: fields.object('clients', readClients),
    sessions: fields.object('sessions', (own) => ({
      bots: own.whole('bots', 0, 0, 200_000),
      people: own.whole('people', 0, 0, 200_000),
      perAccount: own.whole('perAccount', 1, 1, 1_000),
      presences: own.flag('presences', false),
    })),
    wires: fields.list('wires', [{}], (own) => ({
      encoding: own.oneOf('encoding', 'json', ['json', 'etf']),
      compression: own.oneOf('compression', 'none', ['none', 'zlib-stream', 'zstd-stream']),
      share: own.number('share', 1, 0, 1_000),
    })),
    guilds: fields.list('guilds', [], (own) => ({
      count: own.whole('count', 1, 1, 10_000),
      members: own.whole('members', 1, 1, 200_000),
      channels: own.whole('channels', 1, 1, 400),
      hiddenChannels: own.whole('hiddenChannels', 0, 0, 99),
      roles: own.whole('roles', 0, 0, ROLES_MAX),
    })),
    traffic: fields.object('traffic', (own) => ({
      messagesPerS: own.number('messagesPerS', 0, 0, 100_000),
      contentBytes: own.whole('contentBytes', 80, 0, 1_800),
      via: own.oneOf('via', 'bus', ['bus', 'api']),
      typingPerS: own.number('typingPerS', 0, 0, 10_000),
      presencesPerS: own.number('presencesPerS', 0, 0, 10_000),
      acksPerS: own.number('acksPerS', 0, 0, 10_000),
    })),
    permissionChangesPerS: fields.number('permissionChangesPerS', 0, 0, 100),
    slowReaders: fields.object('slowReaders', (own) => ({
      share: own.number('share', 0, 0, 1),
      pauseMs: own.whole('pauseMs', 2_000, 1, 600_000),
      everyS: own.number('everyS', 10, 0.1, 3_600),
    })),
    reconnects: fields.object('reconnects', (own) => ({
      perS: own.number('perS', 0, 0, 10_000),
      resumeShare: own.number('resumeShare', 1, 0, 1),
    })),
    storms: fields.list('storms', [], (own) => ({
      atS: own.number('atS', 0, 0, 3_600),
      share: own.number('share', 0.5, 0, 1),
      resumeShare: own.number('resumeShare', 1, 0, 1),
      spreadMs: own.whole('spreadMs', 1_000, 0, 600_000),
    })),
  };
  judge(scenario, fields);
  fields.end();
  if (problems.length > 0) throw new ScenarioError(problems.join('\n'));
  return scenario;
}

function readClients(own: Fields): Scenario['clients'] {
  return {
    processes: own.whole('processes', 1, 1, 64),
    sourceAddresses: own.whole('sourceAddresses', 1, 1, 250),
    identifiesPerS: own.number('identifiesPerS', 500, 0.1, 100_000),
    identifyIntervalMs: own.whole('identifyIntervalMs', 0, 0, 60_000),
    connectTimeoutS: own.whole('connectTimeoutS', 120, 1, 3_600),
    settleTimeoutS: own.whole('settleTimeoutS', 30, 1, 600),
    fullDecodeEvery: own.whole('fullDecodeEvery', 256, 1, 1_000_000),
  };
}

/** What no field alone can get wrong. */
function judge(scenario: Scenario, fields: Fields): void {
  const { sessions, guilds, wires, traffic, storms, durationS } = scenario;
  const sessionsCount = sessions.bots + sessions.people;
  if (sessionsCount === 0) fields.complain('sessions', 'has neither bots nor people');
  if (!wires.some(({ share }) => share > 0)) fields.complain('wires', 'has nobody with a share');
  const accounts = accountsCount(scenario);
  guilds.forEach(({ members, hiddenChannels, roles }, index) => {
    if (members > accounts) {
      const what = `is ${members}, but there are only ${accounts} accounts`;
      fields.complain(`guilds[${index}].members`, what);
    }
    if (hiddenChannels > 0 && roles === 0) {
      fields.complain(`guilds[${index}].roles`, 'is 0, so nobody could view the hidden channels');
    }
  });
  if (traffic.messagesPerS > 0 && guilds.length === 0) {
    fields.complain('traffic.messagesPerS', 'is above 0, and there is no guild to say it in');
  }
  storms.forEach(({ atS }, index) => {
    if (atS < durationS) return;
    fields.complain(`storms[${index}].atS`, `is ${atS}, when the run is over`);
  });
  if (sessionsCount * channelsCount(scenario) > POSITIONS_MAX) {
    fields.complain('guilds', 'have more channels than can be checked for so many sessions');
  }
}

/** How many accounts the sessions share. */
export function accountsCount({ sessions }: Pick<Scenario, 'sessions'>): number {
  const { bots, people, perAccount } = sessions;
  return Math.ceil(bots / perAccount) + Math.ceil(people / perAccount);
}

function channelsCount({ guilds }: Pick<Scenario, 'guilds'>): number {
  return guilds.reduce(
    (sum, { count, channels, hiddenChannels }) => sum + count * (channels + hiddenChannels),
    0,
  );
}
