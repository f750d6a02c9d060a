// One route of the API, as a value.
//
// How to add one: in the file of its resource, add an element to the list its function returns
//
//   export function roleRoutes(_ports: Ports): Route[] {
//     return [
//       route({
//         method: 'POST',
//         path: '/guilds/:guild_id/roles',
//         who: 'users',
//         body: object({ name: optional(string({ max: 100 })) }),
//         async answer({ params, body, command, owner }) {
//           const reply = await owner(Guilds.method.createRole, params.guild_id, {
//             command: command(params.guild_id),
//             fields: body,
//           });
//           return json(reply.json);
//         },
//       }),
//     ];
//   }
//
// and list the function in `routes.ts`. Then:
//
// - Parameters whose name ends in `_id` are ids (bigint), checked before `answer` is called;
//   `path` is without /api and version. A static segment (`@me`, `search`) wins over a parameter.
// - `who` is who may ask: `anyone` without a token, `users` with one, `people` or `bots` only.
// - `query` and `body` are checks (domain/validation.ts) and arrive typed; what they find
//   is answered with 50035. A body that is an array is `body: list(object({...}))`.
// - `command(topicId)` is for what changes something (a new command id each time it is called),
//   `query_(topicId)` for what only reads. `owner(method, id, request)` goes to the owner of the
//   partition of `id`, and retries. JSON of a reply is passed on unparsed: `json(reply.json)`;
//   `DONE` is 204. Refusals (Faults) thrown by the owner or by `refuse(...)` are rendered for you.
// - How often it may be asked is a row of domain/rate-limit-table.ts.
// - An image (data URI) is `imageData()` of domain/image.ts, stored by `files.putImage`.
import type {
  DescMessage,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';
import type { CommandSchema } from '@guildhall/contracts';
import type { Snowflake } from '@guildhall/snowflake';
import type { Logger, TraceContext } from '@guildhall/telemetry';
import type { Identity, ReceivedFile, UserInit } from '../domain/ports.js';
import type { Check } from '../domain/validation.js';
import type { Answer } from './answer.js';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

type ParamNames<P extends string> = P extends `${string}:${infer Name}/${infer Rest}`
  ? Name | ParamNames<Rest>
  : P extends `${string}:${infer Name}`
    ? Name
    : never;

/** The parameters of a path pattern: `_id` is an id, anything else decoded text. */
export type Params<P extends string> = {
  readonly [Name in ParamNames<P>]: Name extends `${string}_id` ? Snowflake : string;
};

export type CommandInit = MessageInitShape<typeof CommandSchema>;

/** One request, admitted and checked. */
export interface Ask<P, Q, B> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** Files of a multipart body, in the order they came. */
  readonly files: readonly ReceivedFile[];
  /** Who asks. A Bug on a route for anyone. */
  readonly identity: Identity;
  /** `identity.user`: who asks, as owners want it. */
  readonly user: UserInit;
  /**
   * The token it came with, without `Bot `; empty on a route for anyone. For the routes of tokens.
   */
  readonly token: string;
  /** The address it came from. */
  readonly ip: string;
  readonly trace: TraceContext | undefined;
  readonly log: Logger;
  /** A command under a new id, by whoever asks, with the audit log reason it gave. */
  command(topicId?: Snowflake): CommandInit;
  /** The same for what only reads: no id. */
  query_(topicId?: Snowflake): CommandInit;
  /** Asks the owner of the partition that `id` lies in. */
  owner<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    id: Snowflake,
    request: MessageInitShape<I>,
  ): Promise<MessageShape<O>>;
}

export interface RouteSpec<P extends string, Q, B> {
  readonly method: Method;
  readonly path: P;
  readonly who: 'anyone' | 'users' | 'people' | 'bots';
  readonly query?: Check<Q>;
  readonly body?: Check<B>;
  /** Takes multipart/form-data as well as JSON. */
  readonly takesFiles?: boolean;
  /** Of a JSON body; the server's own bound unless told. */
  readonly bodyBytesMax?: number;
  answer(ask: Ask<Params<P>, Q, B>): Promise<Answer>;
}

/** A route whose types are of no more interest. */
export type Route = RouteSpec<string, unknown, unknown>;

/** Declares a route; the types of `params`, `query` and `body` follow from it. */
export function route<const P extends string, Q = undefined, B = undefined>(
  spec: RouteSpec<P, Q, B>,
): Route {
  return spec as unknown as Route;
}
