// What happens in a gateway case of permission-cases.ts, and what a session hears of it.

import { ALL_INTENTS, Intent } from '@guildhall/gateway-protocol';
import { eventually, TestGatewayClient } from '@guildhall/testkit';
import type { GatewayPayload } from '@guildhall/testkit';

import type { Actor, PermissionScene, Stage } from './permission-scene.js';
import { ok, unique } from './world.js';

/** Whose session: a person's, or the bot's with every intent or with this one. */
export type Session = Actor | `bot with ${Uppercase<string>}`;

const TIMEOUT_MS = 15_000;
/** Until it is asked again whether the session follows the guild. */
const ASKED_AGAIN_MS = 500;
/** What comes at any time because other sessions come and go, or only to people. */
const BESIDES: ReadonlySet<string> = new Set(['PRESENCE_UPDATE', 'SESSIONS_REPLACE']);

/** Done by the owner or an administrator, who may everything. */
const HAPPENINGS = {
  'a message': ({ world, channelId, admin }) => world.send(admin, channelId, 'news'),
  'a mention of it': ({ world, channelId, admin, self }) =>
    world.send(admin, channelId, `<@${self.id}> news`),
  'its own message': ({ world, channelId, self }) => world.send(self, channelId, 'news'),
  'an edit': ({ owner, message }) => ok(owner.api.patch(message, { content: 'otherwise' })),
  'a deletion': ({ owner, message }) => ok(owner.api.delete(message)),
  typing: ({ admin, channel }) => ok(admin.api.post(`${channel}/typing`)),
  'a reaction': ({ admin, message }) =>
    ok(admin.api.put(`${message}/reactions/${encodeURIComponent('👍')}/@me`)),
  'a pin': ({ admin, channel, messageId }) => ok(admin.api.put(`${channel}/pins/${messageId}`)),
  'a new name': ({ owner, channel }) => ok(owner.api.patch(channel, { name: unique('named') })),
  'its end': ({ owner, channel }) => ok(owner.api.delete(channel)),
  'a channel beside it': ({ owner, guild, parentId }) =>
    ok(owner.api.post(`${guild}/channels`, { name: 'beside', parent_id: parentId })),
  'a new role': ({ owner, guild }) => ok(owner.api.post(`${guild}/roles`, { name: 'new' })),
  'a ban': ({ owner, guild, strangerId }) => ok(owner.api.put(`${guild}/bans/${strangerId}`, {})),
  'an invite': ({ owner, channel }) => ok(owner.api.post(`${channel}/invites`, { unique: true })),
  'a new member': async ({ world, scene }) =>
    world.join(scene.guild, await world.register('newcomer')),
} satisfies Readonly<Record<string, (circumstances: Circumstances) => Promise<unknown>>>;

/** Something that happens in the channel of a case, or in its guild. */
export type Happening = keyof typeof HAPPENINGS;

type Circumstances = ReturnType<typeof circumstances>;

function circumstances(scene: PermissionScene, stage: Stage, session: Session) {
  const channel = `/channels/${stage.channelId}`;
  return {
    scene,
    world: scene.world,
    owner: scene.guild.owner,
    admin: scene.account('admin'),
    self: scene.account(actorOf(session)),
    strangerId: scene.account('stranger').id,
    guild: `/guilds/${scene.guild.id}`,
    channel,
    channelId: stage.channelId,
    parentId: stage.parentId,
    message: `${channel}/messages/${stage.message.id}`,
    messageId: stage.message.id,
  };
}

/** Connects the session, lets it happen, and gives what the session heard of it: see `Heard`. */
export async function hear(
  scene: PermissionScene,
  stage: Stage,
  session: Session,
  happening: Happening,
): Promise<string> {
  const actor = actorOf(session);
  const account = scene.account(actor);
  const url = scene.world.gatewayUrl();
  await using client = await TestGatewayClient.connect({ url });
  const intents = intentsOf(session);
  await client.identify({ token: account.token, intents, timeoutMs: TIMEOUT_MS });
  await follow(scene, actor, client);
  const from = client.payloads.length;
  await HAPPENINGS[happening](circumstances(scene, stage, session));
  const end = await sign(scene, actor, client);
  const heard = client.payloads.slice(from, client.payloads.indexOf(end));
  return heard
    .filter(({ t }) => t !== null && !BESIDES.has(t) && !isSign(t))
    .map(words)
    .join(' ');
}

/** It may take a moment until a session follows the guild; from the first sign on it does. */
export async function follow(
  scene: PermissionScene,
  actor: Actor,
  client: TestGatewayClient,
): Promise<void> {
  await eventually(() => sign(scene, actor, client, ASKED_AGAIN_MS), {
    timeoutMs: TIMEOUT_MS,
    label: 'the session follows its topics',
  });
}

/**
 * Something the session is told whatever its intents: a new name of its own in the guild, or, of
 * who is not there, of its account. All that happened in the guild before has been heard by then.
 */
export async function sign(
  scene: PermissionScene,
  actor: Actor,
  client: TestGatewayClient,
  timeoutMs = TIMEOUT_MS,
): Promise<GatewayPayload> {
  const name = unique('sign');
  if (actor === 'stranger' || actor === 'banned') {
    await ok(scene.account(actor).api.patch('/users/@me', { global_name: name }));
  } else {
    await scene.rename(actor, name);
  }
  const isIt = ({ t, d }: GatewayPayload): boolean => {
    const { nick, global_name: globalName, user } = (d ?? {}) as Record<string, unknown>;
    const own = (user as { id?: string } | undefined)?.id === scene.account(actor).id;
    return t === 'USER_UPDATE' ? globalName === name : isSign(t) && own && nick === name;
  };
  return client.waitFor(isIt, { timeoutMs });
}

const isSign = (t: string | null): boolean => t === 'GUILD_MEMBER_UPDATE' || t === 'USER_UPDATE';

function words({ t, d }: GatewayPayload): string {
  const { content, type } = d as { content?: string; type?: number };
  const isBlank = content === '' && type === 0;
  return isBlank ? `${t} without content` : t!;
}

function actorOf(session: Session): Actor {
  return session.startsWith('bot with ') ? 'bot' : (session as Actor);
}

function intentsOf(session: Session): number {
  const [, name] = session.split('bot with ');
  if (name === undefined) return ALL_INTENTS;
  const found = Object.entries(Intent).find(([key]) => snake(key) === name);
  if (found === undefined) throw new Error(`no intent is called ${name}`);
  return found[1];
}

const snake = (name: string): string =>
  name.replace(/(?<!^)[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
