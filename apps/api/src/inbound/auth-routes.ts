// Registering, logging in and out.
import { assert } from '@guildhall/fault';
import { loginBody, registerBody } from '../domain/account-body.js';
import type { Ports, Taken } from '../domain/ports.js';
import { refuseFields } from '../domain/validation.js';
import { DONE, json } from './answer.js';
import { route, type Route } from './route.js';

/** The routes under `/auth`. */
export function authRoutes({ accounts }: Ports): Route[] {
  return [
    route({
      method: 'POST',
      path: '/auth/register',
      who: 'anyone',
      body: registerBody,
      async answer({ body }) {
        const { username, email, password, global_name: globalName = '' } = body;
        const made = await accounts.register({ username, email, password, globalName });
        if (typeof made === 'string') throw refuseTaken(made);
        return json({ token: made.token, user_id: String(made.user.id) }, 201);
      },
    }),
    route({
      method: 'POST',
      path: '/auth/login',
      who: 'anyone',
      body: loginBody,
      async answer({ body }) {
        const login = body.login ?? body.email;
        if (login === undefined) {
          const message = 'This field is required';
          throw refuseFields([{ path: ['login'], code: 'BASE_TYPE_REQUIRED', message }]);
        }
        const made = await accounts.logIn(login, body.password);
        if (made === undefined) throw invalidLogin();
        return json({
          token: made.token,
          user_id: String(made.user.id),
          user_settings: { locale: 'en-US', theme: 'dark' },
        });
      },
    }),
    route({
      method: 'POST',
      path: '/auth/logout',
      who: 'people',
      async answer({ token }) {
        assert(token !== '', 'a route that demands a token has one');
        await accounts.logOut(token);
        return DONE;
      },
    }),
  ];
}

/** The same for an unknown name and a wrong password: nobody learns which names exist. */
function invalidLogin(): Error {
  const wrong = { code: 'INVALID_LOGIN', message: 'Login or password is invalid.' };
  return refuseFields([
    { path: ['login'], ...wrong },
    { path: ['password'], ...wrong },
  ]);
}

/** What somebody else already has. */
export function refuseTaken(taken: Taken): Error {
  if (taken === 'email taken') {
    const message = 'Email is already registered.';
    return refuseFields([{ path: ['email'], code: 'EMAIL_ALREADY_REGISTERED', message }]);
  }
  const message =
    'Username is unavailable. Try adding numbers, letters, underscores _ , or periods.';
  return refuseFields([{ path: ['username'], code: 'USERNAME_ALREADY_TAKEN', message }]);
}
