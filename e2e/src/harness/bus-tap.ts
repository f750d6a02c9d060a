// Listens to everything that goes between the apps, as the operator may.

import type { Fleet } from '@guildhall/fleet';
import { connect } from '@nats-io/transport-node';

/** What was heard since the tap was opened. */
export interface BusTap {
  readonly messagesCount: number;
  /** Names of headers, each with how many messages had it. */
  readonly headers: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

/** Resolves when nothing that is sent from now on will be missed. */
export async function tapBus(fleet: Fleet): Promise<BusTap> {
  const { protocol, host, username, password } = new URL(fleet.natsUrl());
  const connection = await connect({
    servers: `${protocol}//${host}`,
    user: decodeURIComponent(username),
    pass: decodeURIComponent(password),
  });
  const headers = new Map<string, number>();
  let messagesCount = 0;
  connection.subscribe('>', {
    callback: (_error, message) => {
      messagesCount += 1;
      for (const name of message.headers?.keys() ?? []) {
        headers.set(name, (headers.get(name) ?? 0) + 1);
      }
    },
  });
  await connection.flush();
  return {
    get messagesCount() {
      return messagesCount;
    },
    headers,
    close: () => connection.close(),
  };
}
