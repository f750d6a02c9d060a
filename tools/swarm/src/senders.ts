// How messages get into a fleet: as a client would, or as a command straight to the owner.

import { callOwner } from '@guildhall/bus';
import type { Bus } from '@guildhall/bus';
import { Messages } from '@guildhall/contracts';
import { partitionOf } from '@guildhall/snowflake';

import { newCommandId } from './build-world.js';
import type { Account } from './build-world.js';
import { apiOf, ok } from './target.js';
import type { Target } from './target.js';

/** Says things. A call that rejects may have been done all the same. */
export interface Sender {
  /** Resolves with the id of the message when it is committed. Sent again, it is said once. */
  send(author: Account, channelId: string, content: string): Promise<string>;
  type(author: Account, channelId: string): Promise<void>;
}

const DEADLINE_MS = 60_000;
const TRY_MS = 5_000;

/** The way that was asked for. Throws when it needs a bus and there is none. */
export function senderFor(via: 'bus' | 'api', target: Target): Sender {
  if (via === 'api') return new ApiSender(target);
  if (target.bus === undefined) {
    throw new Error('traffic.via is "bus", which needs --nats with the rights of an operator');
  }
  return new BusSender(target.bus);
}

class BusSender implements Sender {
  readonly #bus: Bus;

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  async send(author: Account, channelId: string, content: string): Promise<string> {
    const id = BigInt(channelId);
    const request = {
      command: { commandId: newCommandId(), actorId: BigInt(author.id) },
      channelId: id,
      author: { id: BigInt(author.id), username: author.name, discriminator: '0' },
      content,
    };
    const options = { deadlineMs: DEADLINE_MS, timeoutMs: TRY_MS };
    const method = Messages.method.createMessage;
    const { messageId } = await callOwner(this.#bus, method, partitionOf(id), request, options);
    return String(messageId);
  }

  async type(author: Account, channelId: string): Promise<void> {
    const id = BigInt(channelId);
    const command = { commandId: newCommandId(), actorId: BigInt(author.id) };
    const request = { command, channelId: id };
    await callOwner(this.#bus, Messages.method.startTyping, partitionOf(id), request);
  }
}

class ApiSender implements Sender {
  readonly #target: Target;

  constructor(target: Target) {
    this.#target = target;
  }

  async send(author: Account, channelId: string, content: string): Promise<string> {
    const nonce = newCommandId().toString(36);
    const body = { content, nonce, enforce_nonce: true };
    const api = apiOf(this.#target, author.token);
    const { id } = await ok<{ id: string }>(() =>
      api.post(`/channels/${channelId}/messages`, body),
    );
    return id;
  }

  async type(author: Account, channelId: string): Promise<void> {
    const api = apiOf(this.#target, author.token);
    await ok(() => api.post(`/channels/${channelId}/typing`, {}));
  }
}
