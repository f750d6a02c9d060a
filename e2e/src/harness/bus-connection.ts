// The bus as whoever has a login sees it.

import { connect, PermissionViolationError } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';

/** Connects with the login in the URL. */
export function busAs(url: string): Promise<NatsConnection> {
  const { protocol, host, username, password } = new URL(url);
  return connect({
    servers: `${protocol}//${host}`,
    user: decodeURIComponent(username),
    pass: decodeURIComponent(password),
  });
}

/** What the server says of an attempt that the login has no right to; undefined if it has. */
export async function violationOf(
  url: string,
  what: 'publish' | 'subscribe',
  subject: string,
): Promise<string | undefined> {
  const connection = await busAs(url);
  let violation: string | undefined;
  const note = (error: unknown): void => {
    if (error instanceof PermissionViolationError) {
      violation ??= `${error.operation} ${error.subject}`;
    }
  };
  const noteAll = async (): Promise<void> => {
    for await (const status of connection.status()) {
      if (status.type === 'error') note(status.error);
    }
  };
  const noted = noteAll();
  if (what === 'publish') connection.publish(subject, 'x');
  else connection.subscribe(subject, { callback: note });
  // The server answers in order: what it had to say has come when this has.
  await connection.flush();
  await connection.close();
  await noted;
  return violation;
}
