// Who may do what: the tables of permission-cases.ts over HTTP and over the gateway; changes that
// hide a channel from connected sessions, at once and to the event; coming, going and bans.

import { Intent } from '@guildhall/gateway-protocol';
import { TestGatewayClient } from '@guildhall/testkit';
import type { GatewayPayload } from '@guildhall/testkit';

import { change } from './harness/channel-changes.js';
import { useFleet } from './harness/fleet-for-spec.js';
import { follow, hear, sign } from './harness/happenings.js';
import { act, leavesTraces } from './harness/http-actions.js';
import { PermissionScene } from './harness/permission-scene.js';
import { ok, World } from './harness/world.js';
import type { Message, Named } from './harness/world.js';
import { GATEWAY_CASES, HIDINGS, HTTP_CASES } from './permission-cases.js';

const GATEWAYS = ['gateway-1', 'gateway-2'] as const;

/** What a dispatch says of where it is. */
interface Placed {
  readonly id?: string;
  readonly channel_id?: string;
  readonly content?: string;
}

describe('permissions', () => {
  const fleet = useFleet();
  let world: World;
  let scene: PermissionScene;

  beforeAll(async () => {
    world = new World(fleet());
    scene = await PermissionScene.create(world);
  });

  it('have at least sixty cases', () => {
    expect(HTTP_CASES.length + GATEWAY_CASES.length).toBeGreaterThanOrEqual(60);
  });

  describe('over HTTP', () => {
    it.each(HTTP_CASES)(
      '%s (held: %j) in %s (%j): %s is answered %s',
      async (who, has, place, overwrites, does, isAnswered) => {
        await scene.hold(has);
        const stage = await scene.stage(place, overwrites);
        const answer = await act(scene, stage, who, does);
        if (answer.startsWith('2') && leavesTraces(does)) await scene.restore();
        expect(answer).toBe(isAnswered);
      },
    );
  });

  describe('over the gateway', () => {
    it.each(GATEWAY_CASES)(
      '%s (held: %j) in %s (%j): of %s hears %j',
      async (session, has, place, overwrites, happens, hears) => {
        await scene.hold(has);
        const stage = await scene.stage(place, overwrites);
        const heard = await hear(scene, stage, session, happens);
        if (happens === 'a ban') await scene.restore();
        expect(heard).toBe(hears);
      },
    );
  });

  describe('that change', () => {
    it.each(HIDINGS)(
      '(held: %j) in %s (%j): %s takes the channel away at once, %s brings it back',
      async (has, place, overwrites, hiding, showing) => {
        await scene.restore();
        await scene.hold(has);
        const stage = await scene.stage(place, overwrites);
        const { channelId } = stage;
        const bot = scene.account('bot');
        const clients = await Promise.all(
          GATEWAYS.map((gateway) => world.connect(bot, { gateway })),
        );
        for (const client of clients) await follow(scene, 'bot', client);
        const chatter = new Chatter(world, scene, channelId);

        const before = await chatter.until(() => change(scene, stage, hiding));
        const hidden = await chatter.say('after it was hidden');
        const ends = await Promise.all(clients.map((client) => sign(scene, 'bot', client)));
        for (const [at, client] of clients.entries()) {
          const heard = client.payloads.slice(0, client.payloads.indexOf(ends[at]!));
          const here = heard.filter((payload) => isAbout(channelId, payload));
          // All that was said before is there, and the end of the channel is the last of it.
          expect(here.filter(({ t }) => t === 'CHANNEL_DELETE')).toHaveLength(1);
          expect(here.at(-1)!.t).toBe('CHANNEL_DELETE');
          expect(contents(here)).toEqual(expect.arrayContaining(before));
          expect(contents(here)).not.toContain(hidden);
        }

        const marks = clients.map((client) => client.payloads.length);
        await chatter.until(() => change(scene, stage, showing));
        const shown = await chatter.say('after it was shown');
        for (const [at, client] of clients.entries()) {
          const isLast = ({ d }: GatewayPayload) => (d as Placed | null)?.content === shown;
          const last = await client.waitFor(isLast);
          const heard = client.payloads.slice(marks[at], client.payloads.indexOf(last) + 1);
          const here = heard.filter((payload) => isAbout(channelId, payload));
          expect(here.filter(({ t }) => t === 'CHANNEL_CREATE')).toHaveLength(1);
          expect(here[0]!.t).toBe('CHANNEL_CREATE');
          await client.close();
        }
      },
    );
  });

  describe('of sessions', () => {
    it('begin with what may be seen, and nothing else', async () => {
      await scene.restore();
      const seen = await scene.stage('text', '');
      const hidden = [
        await scene.stage('text', 'everyone -VIEW_CHANNEL'),
        await scene.stage('inherited', 'held -VIEW_CHANNEL'),
      ];
      const hiddenIds = hidden.map(({ channelId }) => channelId);
      await using client = await world.connect(scene.account('bot'));
      const { d } = await client.waitFor('GUILD_CREATE');
      const ids = (d as { channels: Named[] }).channels.map(({ id }) => id);
      expect(ids).toContain(seen.channelId);
      expect(ids.filter((id) => hiddenIds.includes(id))).toEqual([]);

      await using person = await world.connect(scene.account('member'));
      const ready = (await person.waitFor('READY')).d as { guilds: { channels: Named[] }[] };
      const known = ready.guilds[0]!.channels.map(({ id }) => id);
      expect(known).toContain(seen.channelId);
      expect(known).not.toContain(hidden[0]!.channelId);
      expect(known).toContain(hidden[1]!.channelId);
    });

    it('refuse privileged intents that the application was not granted: 4014', async () => {
      const bot = await world.createBot(scene.guild.owner, { flags: 0 });
      await world.addBot(bot, scene.guild, '0');
      const identify = async (intents: number) => {
        await using client = await TestGatewayClient.connect({ url: world.gatewayUrl() });
        await client.identify({ token: bot.token, intents });
      };
      for (const intent of [Intent.GuildMembers, Intent.GuildPresences, Intent.MessageContent]) {
        await expect(identify(Intent.Guilds | intent)).rejects.toThrow('4014');
      }
      await expect(identify(2 ** 30)).rejects.toThrow('4013');
      await identify(Intent.Guilds | Intent.GuildMessages);
      await ok(scene.guild.owner.api.delete(`/guilds/${scene.guild.id}/members/${bot.id}`));
    });

    it.each(['kick', 'ban'] as const)(
      'end for the guild with a %s, and for it alone',
      async (how) => {
        await scene.restore();
        const { guild } = scene;
        const stage = await scene.stage('text', '');
        const low = scene.account('low');
        const clients = await Promise.all(
          GATEWAYS.map((gateway) => world.connect(low, { gateway })),
        );
        for (const client of clients) await follow(scene, 'low', client);
        const path = `/guilds/${guild.id}/${how === 'kick' ? 'members' : 'bans'}/${low.id}`;
        const { api } = guild.owner;
        await ok(how === 'kick' ? api.delete(path) : api.put(path, {}));
        await world.send(guild.owner, stage.channelId, 'they are gone');
        for (const client of clients) {
          const { d } = await client.waitFor('GUILD_DELETE');
          expect(d).toEqual({ id: guild.id });
        }

        // Of its account they go on to hear, and of the guild nothing.
        const name = `out ${how}`;
        await ok(low.api.patch('/users/@me', { global_name: name }));
        for (const client of clients) {
          const update = await client.waitFor('USER_UPDATE');
          expect(update.d).toMatchObject({ global_name: name });
          const after = client.payloads.slice(
            client.payloads.findIndex(({ t }) => t === 'GUILD_DELETE') + 1,
          );
          expect(after.filter(({ d }) => JSON.stringify(d).includes(guild.id))).toEqual([]);
          await client.close();
        }
        const code = await world.invite(guild);
        const { status, body } = await low.api.post(`/invites/${code}`, {});
        if (how === 'ban') expect([status, body]).toMatchObject([403, { code: 40007 }]);
        else expect(status).toBe(200);
        await scene.restore();
      },
    );
  });
});

/** An administrator who talks in a channel. */
class Chatter {
  readonly #world: World;
  readonly #scene: PermissionScene;
  readonly #channelId: string;
  #count = 0;

  constructor(world: World, scene: PermissionScene, channelId: string) {
    this.#world = world;
    this.#scene = scene;
    this.#channelId = channelId;
  }

  /** Says this, with a number. */
  async say(words: string): Promise<string> {
    this.#count += 1;
    const content = `${words} ${this.#count}`;
    await this.#world.send(this.#scene.account('admin'), this.#channelId, content);
    return content;
  }

  /** Talks on and on while something is done; gives what had been said when it began. */
  async until(done: () => Promise<void>): Promise<string[]> {
    const before = [await this.say('before'), await this.say('before')];
    let isDone = false;
    const talk = async (): Promise<void> => {
      while (!isDone) await this.say('meanwhile');
    };
    const talking = [talk(), talk()];
    try {
      await done();
    } finally {
      isDone = true;
      await Promise.all(talking);
    }
    return before;
  }
}

/** Whether a dispatch is of the channel itself or of something in it. */
function isAbout(channelId: string, { t, d }: GatewayPayload): boolean {
  const { id, channel_id: where } = (d ?? {}) as Placed;
  return where === channelId || (id === channelId && t !== 'GUILD_CREATE');
}

const contents = (payloads: readonly GatewayPayload[]): string[] =>
  payloads.filter(({ t }) => t === 'MESSAGE_CREATE').map(({ d }) => (d as Message).content);
