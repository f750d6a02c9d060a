// What the owner changes in a hiding of permission-cases.ts.

import { Permission } from '@guildhall/permissions';

import type { Overwrite, PermissionScene, Stage } from './permission-scene.js';
import { ok } from './world.js';

type Whom = 'everyone' | 'held' | 'bot';
type Overwriting = `with ${Whom} ${'+' | '-'}VIEW_CHANNEL` | `without ${Whom}`;

/**
 * `with` and `without`: an overwrite of the channel, or of its category, is put or taken away;
 * `only with` replaces all there are.
 */
export type Change =
  | `held allows ${'all' | 'nothing'}`
  | `everyone sees ${'all' | 'nothing'}`
  | `the bot ${'gets' | 'loses'} held`
  | Overwriting
  | `category ${Overwriting}`
  | `only ${Overwriting}`;

/** Resolves when the API has answered that it is done. */
export async function change(scene: PermissionScene, stage: Stage, asked: Change): Promise<void> {
  const { guild, world } = scene;
  const { api } = guild.owner;
  if (asked === 'held allows all') return scene.hold('ADMINISTRATOR');
  if (asked === 'held allows nothing') return scene.hold('');
  const held = { id: scene.roleId('held') };
  if (asked === 'the bot gets held') return world.giveRole(guild, scene.account('bot'), held);
  if (asked === 'the bot loses held') return world.takeRole(guild, scene.account('bot'), held);
  if (asked.startsWith('everyone sees ')) {
    const all =
      Permission.VIEW_CHANNEL | Permission.SEND_MESSAGES | Permission.READ_MESSAGE_HISTORY;
    const permissions = asked === 'everyone sees all' ? all : all & ~Permission.VIEW_CHANNEL;
    const path = `/guilds/${guild.id}/roles/${guild.id}`;
    await ok(api.patch(path, { permissions: String(permissions) }));
    return;
  }
  const ofCategory = asked.startsWith('category ');
  const path = `/channels/${ofCategory ? stage.parentId : stage.channelId}`;
  const [isPut, list] = overwriteIn(asked);
  const [overwrite] = scene.overwrites(list) as [Overwrite];
  if (asked.startsWith('only ')) await ok(api.patch(path, { permission_overwrites: [overwrite] }));
  else if (isPut) await ok(api.put(`${path}/permissions/${overwrite.id}`, overwrite));
  else await ok(api.delete(`${path}/permissions/${overwrite.id}`));
}

/** Whether one is put, and the words after `with` or `without`. */
function overwriteIn(asked: string): [isPut: boolean, list: string] {
  const match = /\bwith(out)? (.*)$/.exec(asked);
  if (match === null) throw new Error(`nobody knows how to change: ${asked}`);
  return [match[1] === undefined, match[2]!];
}
