import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { ScenarioError } from './scenario-fields.js';
import { accountsCount, readScenario } from './scenario.js';

const folder = join(__dirname, '../scenarios');
const TINY = { sessions: { bots: 10 }, guilds: [{ members: 10 }] };

function complaintsAbout(json: unknown): string[] {
  try {
    readScenario(json);
  } catch (error) {
    expect(error).toBeInstanceOf(ScenarioError);
    return (error as ScenarioError).message.split('\n');
  }
  return [];
}

describe('readScenario', () => {
  it.each(readdirSync(folder))('takes %s, which says what it is', (file) => {
    const scenario = readScenario(JSON.parse(readFileSync(join(folder, file), 'utf8')));
    expect(`${scenario.name}.json`).toBe(file);
    expect(scenario.about).not.toBe('');
  });

  it('has a default for everything but who takes part', () => {
    const scenario = readScenario(TINY);
    expect(scenario).toMatchObject({
      durationS: 60,
      fleet: { gateways: 1, guilds: 1 },
      wires: [{ encoding: 'json', compression: 'none', share: 1 }],
      traffic: { messagesPerS: 0, via: 'bus' },
      storms: [],
    });
    expect(accountsCount(scenario)).toBe(10);
  });

  it.each([
    [[], 'the scenario is an object, not []'],
    [{ ...TINY, durationS: '60' }, 'durationS is a number from 1 to 3600, not "60"'],
    [
      { ...TINY, sessions: { bots: 1.5 }, guilds: [] },
      'sessions.bots is a whole number from 0 to 200000, not 1.5',
    ],
    [
      { ...TINY, wires: [{ encoding: 'json' }, { encoding: 'xml' }] },
      'wires[1].encoding is json or etf, not "xml"',
    ],
    [{ ...TINY, fleet: { durable: 1 } }, 'fleet.durable is true or false, not 1'],
    [{ ...TINY, fleet: { gatewayEnv: { PORT: 80 } } }, 'fleet.gatewayEnv.PORT is text, not 80'],
    [{ ...TINY, guilds: {} }, 'guilds is a list, not {}'],
    [
      { sessions: { bots: 4, perAccount: 2 }, guilds: [{ members: 3 }] },
      'guilds[0].members is 3, but there are only 2 accounts',
    ],
    [
      { ...TINY, guilds: [{ members: 1, hiddenChannels: 1 }] },
      'guilds[0].roles is 0, so nobody could view the hidden channels',
    ],
    [
      { ...TINY, durationS: 10, storms: [{ atS: 10 }] },
      'storms[0].atS is 10, when the run is over',
    ],
    [{}, 'sessions has neither bots nor people'],
    [{ ...TINY, wires: [{ share: 0 }] }, 'wires has nobody with a share'],
    [
      { sessions: { bots: 1 }, traffic: { messagesPerS: 1 } },
      'traffic.messagesPerS is above 0, and there is no guild to say it in',
    ],
  ])('names the field that is wrong: %j', (json, complaint) => {
    expect(complaintsAbout(json)).toContain(complaint);
  });

  it('names the words that may stand where an unknown one does', () => {
    const [complaint] = complaintsAbout({ ...TINY, traffic: { messagePerS: 1 } });
    expect(complaint).toMatch(/^traffic\.messagePerS is not known; here belong messagesPerS, /);
  });

  it('names all mistakes at once', () => {
    expect(complaintsAbout({ ...TINY, seed: -1, durationS: 0, typo: 1 })).toHaveLength(3);
  });
});
