// What people and applications are called, checked.
import { IMAGE_BODY_BYTES_MAX, imageData } from './image.js';
import {
  boolean,
  integer,
  nullable,
  object,
  optional,
  optionalOrNull,
  string,
  then,
  type Check,
} from './validation.js';

export { IMAGE_BODY_BYTES_MAX };

const EMAIL =
  /^[^\s@"(),:;<>[\\\]]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9-]{2,63}$/;
const RESERVED_NAMES: ReadonlySet<string> = new Set(['everyone', 'here', 'discord', 'clyde']);

/** 2 to 32 of a-z, 0-9, underscore and period, no two periods in a row; capitals are lowered. */
export const username: Check<string> = then(string({ trim: true }), (given, path, findings) => {
  const name = given.toLowerCase();
  if (name.length < 2 || name.length > 32) {
    return findings.add(path, 'BASE_TYPE_BAD_LENGTH', 'Must be between 2 and 32 in length.');
  }
  if (!/^[a-z0-9_.]+$/.test(name)) {
    const message = 'Username must only contain letters, numbers, underscores, or periods.';
    return findings.add(path, 'USERNAME_INVALID_CHARACTERS', message);
  }
  if (name.includes('..')) {
    const message = 'Username cannot contain consecutive periods.';
    return findings.add(path, 'USERNAME_INVALID_CONSECUTIVE_PERIODS', message);
  }
  if (RESERVED_NAMES.has(name)) {
    const message = `Username cannot be "${name}".`;
    return findings.add(path, 'USERNAME_INVALID_RESERVED', message);
  }
  return name;
});

/** Lower case. */
export const email: Check<string> = then(
  string({ max: 254, trim: true }),
  (given, path, findings) => {
    const address = given.toLowerCase();
    if (EMAIL.test(address)) return address;
    return findings.add(path, 'EMAIL_TYPE_INVALID_EMAIL', 'Not a well formed email address.');
  },
);

/** Of a new password. */
export const password: Check<string> = string({ min: 8, max: 72 });

const displayName: Check<string> = string({ max: 32, trim: true });

/** POST /auth/register. */
export const registerBody = object({
  username,
  email,
  password,
  global_name: optionalOrNull(displayName),
});

/** POST /auth/login. `email` is what older clients call `login`. */
export const loginBody = object({
  login: optionalOrNull(string({ max: 254 })),
  email: optionalOrNull(string({ max: 254 })),
  password: string({ min: 1, max: 1024 }),
});

/** PATCH /users/@me. */
export const changeUserBody = object({
  username: optionalOrNull(string({ min: 2, max: 32, trim: true })),
  global_name: optional(nullable(displayName)),
  avatar: optional(nullable(imageData())),
  email: optionalOrNull(email),
  new_password: optionalOrNull(password),
  /** The current one. */
  password: optionalOrNull(string({ max: 1024 })),
});

const applicationName: Check<string> = string({ min: 1, max: 32, trim: true });

/** POST /applications. */
export const createApplicationBody = object({ name: applicationName });

/** PATCH /applications/{id} and /applications/@me. */
export const changeApplicationBody = object({
  name: optionalOrNull(applicationName),
  description: optional(nullable(string({ max: 400 }))),
  icon: optional(nullable(imageData())),
  flags: optionalOrNull(integer({ min: 0, max: 2 ** 31 - 1 })),
  bot_public: optionalOrNull(boolean()),
});
