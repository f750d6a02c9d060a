import type { FleetFile } from './fleet-file.js';
import { botSource, describeEvent, describeFleet, describeStatus } from './report.js';

const file: FleetFile = {
  api: 'http://127.0.0.1:4000/api',
  gateway: 'ws://127.0.0.1:4100',
  bots: [{ id: '1', name: 'Demo bot', token: 'bot.token' }],
  users: [{ id: '2', name: 'alice', token: 'user.token', email: 'a@b.example', password: 'pw' }],
  guilds: [{ id: '3', name: 'Demo', channels: [{ id: '4', name: 'general', type: 0 }] }],
  services: [{ name: 'api', instance: 'api-1', pid: 7, health: 'http://127.0.0.1:4000/h' }],
};

describe('describeFleet', () => {
  it('says where it is, who to be, and how to try it', () => {
    const text = describeFleet(file, '/data');
    for (const part of [file.api, file.gateway, 'bot.token', 'user.token', 'a@b.example / pw']) {
      expect(text).toContain(part);
    }
    expect(text).toContain('curl http://127.0.0.1:4000/api/v10/channels/4/messages');
  });

  it('leaves out the demo when there is none', () => {
    const text = describeFleet({ ...file, bots: [], users: [], guilds: [] }, '/data');
    expect(text).not.toContain('discord.js');
    expect(text).toContain(file.api);
  });
});

describe('botSource', () => {
  it('is ten lines', () => {
    expect(botSource(file.api, 't').split('\n')).toHaveLength(10);
  });
});

describe('describeStatus', () => {
  it('tells those that answer from those that do not', () => {
    expect(describeStatus(file, new Map([['api-1', true]]))).toMatch(/api-1 +ready/);
    expect(describeStatus(file, new Map())).toMatch(/api-1 +NOT READY/);
  });
});

describe('describeEvent', () => {
  it('quotes the last output of a process that crashed', () => {
    const lines = ['last words'];
    const crash = { kind: 'crashed', name: 'api-1', reason: 'SIGKILL', backoffMs: 100, lines };
    expect(describeEvent(crash as never)).toBe(
      ' ! api-1 crashed (SIGKILL); again in 0.1 s\n     last words',
    );
  });
});
