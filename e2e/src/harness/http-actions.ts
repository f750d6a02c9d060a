// What somebody does over HTTP in a case of permission-cases.ts, word by word.

import { Permission } from '@guildhall/permissions';
import type { ApiResponse, TestApi } from '@guildhall/testkit';

import type { HttpAnswer } from '../permission-cases.js';
import type { Actor, PermissionScene, RoleName, Stage } from './permission-scene.js';
import { ok, unique } from './world.js';
import type { Message } from './world.js';

/** Who does it, and where. */
interface Situation {
  readonly scene: PermissionScene;
  readonly stage: Stage;
  readonly who: Actor;
  readonly api: TestApi;
}

type Answer = Promise<ApiResponse<unknown>>;

const HOUR_MS = 60 * 60 * 1000;

const channel = ({ stage }: Situation, path = ''): string => `/channels/${stage.channelId}${path}`;
const message = (situation: Situation, path = ''): string =>
  channel(situation, `/messages/${situation.stage.message.id}${path}`);
const guild = ({ scene }: Situation, path = ''): string => `/guilds/${scene.guild.id}${path}`;
const member = (situation: Situation, actor: string, path = 'members'): string =>
  guild(situation, `/${path}/${situation.scene.account(actor as Actor).id}`);
const role = (situation: Situation, name: string): string =>
  guild(situation, `/roles/${situation.scene.roleId(name as RoleName)}`);

const say = (situation: Situation, body: object): Answer =>
  situation.api.post(channel(situation, '/messages'), body);
const react = (situation: Situation, emoji: string): Answer =>
  situation.api.put(message(situation, `/reactions/${encodeURIComponent(emoji)}/@me`));

/** What takes no more words. */
const PLAIN = {
  view: (s) => s.api.get(channel(s)),
  'find in list': (s) => s.api.get(guild(s, '/channels')),
  'view guild': (s) => s.api.get(guild(s)),
  send: (s) => say(s, { content: 'hello' }),
  type: (s) => s.api.post(channel(s, '/typing')),
  'attach a file': (s) => {
    const files = [{ name: 'note.txt', bytes: 'a note' }];
    return s.api.post(channel(s, '/messages'), { content: 'see here' }, { files });
  },
  embed: (s) => say(s, { embeds: [{ title: 'a title' }] }),
  'mention everyone': (s) => say(s, { content: '@everyone look' }),
  'mention a role': (s) => say(s, { content: `<@&${s.scene.roleId('high')}> look` }),
  'mention a mentionable role': (s) => say(s, { content: `<@&${s.scene.roleId('low')}> look` }),
  reply: (s) => say(s, { content: 'yes', message_reference: { message_id: s.stage.message.id } }),
  'read history': (s) => s.api.get(channel(s, '/messages')),
  'read a message': (s) => s.api.get(message(s)),
  react: (s) => react(s, '🔥'),
  'join a reaction': (s) => react(s, '👍'),
  'clear reactions': (s) => s.api.delete(message(s, '/reactions')),
  'edit a message': (s) => s.api.patch(message(s), { content: 'you never said this' }),
  'delete a message': (s) => s.api.delete(message(s)),
  'delete its own message': async (s) => {
    const { id } = await ok<Message>(say(s, { content: 'for a moment' }));
    return s.api.delete(channel(s, `/messages/${id}`));
  },
  'bulk delete': async (s) => {
    const { scene, stage } = s;
    const { id } = await scene.world.send(scene.guild.owner, stage.channelId, 'another');
    return s.api.post(channel(s, '/messages/bulk-delete'), { messages: [stage.message.id, id] });
  },
  pin: (s) => s.api.put(channel(s, `/pins/${s.stage.message.id}`)),
  'edit channel': (s) => s.api.patch(channel(s), { name: 'renamed' }),
  'delete channel': (s) => s.api.delete(channel(s)),
  'create channel': (s) => s.api.post(guild(s, '/channels'), { name: 'another' }),
  invite: (s) => s.api.post(channel(s, '/invites'), { unique: true }),
  join: async (s) => s.api.post(`/invites/${await s.scene.world.invite(s.scene.guild)}`, {}),
  'create role': (s) => s.api.post(guild(s, '/roles'), { name: 'made', permissions: '0' }),
  'grant KICK_MEMBERS': (s) =>
    s.api.patch(role(s, 'low'), { permissions: String(Permission.KICK_MEMBERS) }),
  'rename itself': (s) => s.api.patch(guild(s, '/members/@me'), { nick: unique('me') }),
  'edit guild': (s) => s.api.patch(guild(s), { name: unique('guild') }),
  'list bans': (s) => s.api.get(guild(s, '/bans')),
  'list invites': (s) => s.api.get(guild(s, '/invites')),
  'delete guild': (s) => s.api.delete(guild(s)),
} satisfies Readonly<Record<string, (situation: Situation) => Answer>>;

/** What ends with whom, which or what. */
const ABOUT = {
  'edit role': (s, name) => s.api.patch(role(s, name), { hoist: true }),
  'give role': (s, name) => {
    const path = member(s, 'member', 'members');
    return s.api.put(`${path}/roles/${s.scene.roleId(name as RoleName)}`);
  },
  'move role': (s, words) => {
    const [name, position] = words.split(' to ');
    const move = { id: s.scene.roleId(name as RoleName), position: Number(position) };
    return s.api.patch(guild(s, '/roles'), [move]);
  },
  allow: (s, name) => {
    const path = channel(s, `/permissions/${s.scene.guild.id}`);
    const allow = String(Permission[name as keyof typeof Permission]);
    return s.api.put(path, { type: 0, allow, deny: '0' });
  },
  kick: (s, actor) => s.api.delete(member(s, actor)),
  ban: (s, actor) => s.api.put(member(s, actor, 'bans'), {}),
  unban: (s, actor) => s.api.delete(member(s, actor, 'bans')),
  'time out': (s, actor) => {
    const until = new Date(Date.now() + HOUR_MS).toISOString();
    return s.api.patch(member(s, actor), { communication_disabled_until: until });
  },
  rename: (s, actor) => s.api.patch(member(s, actor), { nick: unique('you') }),
} satisfies Readonly<Record<string, (situation: Situation, object: string) => Answer>>;

/** Something somebody does. */
export type HttpAction =
  | keyof typeof PLAIN
  | `edit role ${RoleName}`
  | `give role ${RoleName}`
  | `move role ${RoleName} to ${number}`
  | `allow ${'SEND_MESSAGES' | 'MANAGE_MESSAGES' | 'MANAGE_ROLES'}`
  | `${'kick' | 'ban' | 'unban' | 'time out' | 'rename'} ${Actor}`;

/** What the story wants to know of an answer that is no error. */
const NOTES: Partial<Record<HttpAction, (body: unknown, situation: Situation) => string | number>> =
  {
    'find in list': (body, { stage }) =>
      (body as { id: string }[]).some(({ id }) => id === stage.channelId) ? 'present' : 'absent',
    'read history': (body) => (body as unknown[]).length,
    'mention everyone': (body) => heard((body as { mention_everyone: boolean }).mention_everyone),
    'mention a role': (body) =>
      heard((body as { mention_roles: unknown[] }).mention_roles.length === 1),
    'mention a mentionable role': (body) =>
      heard((body as { mention_roles: unknown[] }).mention_roles.length === 1),
  };

const heard = (isHeard: boolean): string => (isHeard ? 'heard' : 'unheard');

/** Somebody does something, and is answered. */
export async function act(
  scene: PermissionScene,
  stage: Stage,
  who: Actor,
  action: HttpAction,
): Promise<HttpAnswer> {
  const situation = { scene, stage, who, api: scene.account(who).api };
  const { status, body } = await deed(action)(situation);
  if (status >= 400) return `${status} ${(body as { code: number }).code}`;
  const note = NOTES[action]?.(body, situation);
  return note === undefined ? `${status}` : `${status} ${note}`;
}

function deed(action: HttpAction): (situation: Situation) => Answer {
  if (Object.hasOwn(PLAIN, action)) return PLAIN[action as keyof typeof PLAIN];
  for (const [verb, does] of Object.entries(ABOUT)) {
    if (action.startsWith(`${verb} `)) return (s) => does(s, action.slice(verb.length + 1));
  }
  throw new Error(`nobody knows how to ${action}`);
}

/** What changes roles, members or bans; all else happens in a channel that is the case's own. */
const LEAVES_TRACES =
  /^(edit role|give|move|grant|kick|ban|unban|time out|rename|join$|create role|delete guild)/;

/** Whether the scene has to be restored after it was done with success. */
export function leavesTraces(action: HttpAction): boolean {
  return LEAVES_TRACES.test(action);
}
