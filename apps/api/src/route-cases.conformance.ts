// Routes that ask one owner one thing, as a table: what a client sends, what the owner is asked for
// it, field by field, and what the client gets.
import { refuse } from '@guildhall/contracts';
import type { World } from './api-world.conformance.js';

/** A line of the table. */
export interface RouteCase {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  /** Headers besides the usual ones. */
  readonly headers?: Record<string, string>;
  /** The owner's method. */
  readonly rpc: string;
  /** All of its request but `command`, and no more. */
  readonly request: Record<string, unknown>;
  /** The topic that the command names; 0n where the channel is enough. */
  readonly topicId: bigint;
  readonly status: 200 | 201 | 204;
}

/** Who asks. */
export interface Caller {
  readonly id: string;
  readonly token: string;
}

/** How a case is called in the list of tests. */
export function titleOf({ method, path, rpc, body }: RouteCase): string {
  const said = body === undefined ? '' : ` ${JSON.stringify(body).slice(0, 60)}`;
  return `${method} ${path}${said} → ${rpc}`;
}

/** Asks, and compares what the owner got and the client was answered. */
export async function expectCase(world: World, caller: Caller, one: RouteCase): Promise<void> {
  // A rendering nobody would make by parsing it and writing it again.
  const rendered = '{ "id":"1",  "by":"the owner" }';
  world.owners.on(one.rpc, () => (one.status === 204 ? {} : { json: Buffer.from(rendered) }));
  const answer = await askFor(world, caller, one);
  expect([answer.status, answer.text]).toEqual([one.status, one.status === 204 ? '' : rendered]);
  const [first, ...others] = world.owners.of(one.rpc);
  expect(others).toEqual([]);
  const { command, ...request } = plain(first) as { command: Record<string, unknown> };
  expect(request).toEqual(one.request);
  expect(command).toMatchObject({
    topicId: one.topicId,
    actorId: BigInt(caller.id),
    actorIsBot: caller.token.startsWith('Bot '),
  });
  // What only reads needs no id of its own; what changes something does.
  if (one.method === 'GET') expect(command['commandId']).toBe(0n);
  else expect(command['commandId']).toBeGreaterThan(0n);
}

/** Asks while the owner refuses, and compares what the client is answered. */
export async function expectRefused(world: World, caller: Caller, one: RouteCase): Promise<void> {
  world.owners.on(one.rpc, () => {
    throw refuse('MissingPermissions');
  });
  const answer = await askFor(world, caller, one);
  expect([answer.status, answer.json]).toEqual([
    403,
    { message: 'Missing Permissions', code: 50013 },
  ]);
}

/** A request, the path of a field in `errors`, and the code there. */
export type WrongCase = readonly [
  method: string,
  path: string,
  body: unknown,
  field: string,
  code: string,
];

/** How it is called in the list of tests. */
export function titleOfWrong([method, path, body, field, code]: WrongCase): string {
  const said = body === undefined ? '' : ` ${JSON.stringify(body).slice(0, 60)}`;
  return `${method} ${path}${said}: ${field} is ${code}`;
}

/** Asks, and finds that one field refused, and no owner asked. */
export async function expectWrong(
  world: World,
  caller: Caller,
  [method, path, body, field, code]: WrongCase,
): Promise<void> {
  const { token } = caller;
  const answer = await world.ask(method, path, { token, ...(body === undefined ? {} : { body }) });
  expect([answer.status, answer.json.code]).toEqual([400, 50035]);
  const parts = field === '' ? [] : field.split('.');
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  const at: any = parts.reduce((inner, key) => inner?.[key], answer.json.errors);
  expect(at?._errors?.[0]?.code).toBe(code);
  expect(world.owners.asked).toEqual([]);
}

function askFor(world: World, { token }: Caller, { method, path, body, headers = {} }: RouteCase) {
  return world.ask(method, path, { token, headers, ...(body === undefined ? {} : { body }) });
}

/** A message as an object of its fields alone. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  const fields = Object.entries(value).filter(([key]) => !key.startsWith('$'));
  return Object.fromEntries(fields.map(([key, inner]) => [key, plain(inner)]));
}
