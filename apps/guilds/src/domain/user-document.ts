import type { MessageInitShape } from '@bufbuild/protobuf';
import type { UserSchema } from '@guildhall/contracts';
import type { Document } from './tables.js';

/** A user as others see it, as this app keeps it: a copy, refreshed by UserChanged errands. */
export interface User {
  readonly id: bigint;
  readonly username: string;
  readonly discriminator: string;
  /** Empty: none. */
  readonly globalName: string;
  /** Empty: none. */
  readonly avatar: string;
  readonly bot: boolean;
  readonly publicFlags: number;
}

/** A user from a request. */
export function userOf(user: MessageInitShape<typeof UserSchema> | undefined): User {
  return {
    id: user?.id ?? 0n,
    username: user?.username ?? '',
    discriminator: user?.discriminator ?? '0',
    globalName: user?.globalName ?? '',
    avatar: user?.avatar ?? '',
    bot: user?.bot ?? false,
    publicFlags: user?.publicFlags ?? 0,
  };
}

/** A user as it is stored within a document. */
export function userDocument(user: User): Document {
  return { ...user, id: String(user.id) };
}

/** A user from a document. */
export function userFromDocument(document: Document): User {
  const { id, ...rest } = document as unknown as Omit<User, 'id'> & { id: string };
  return { ...rest, id: BigInt(id) };
}
