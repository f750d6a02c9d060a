// What gateways ask: who a token belongs to, and whether it may start another session.
import { serveMethods, type Bus, type ServedMethods } from '@guildhall/bus';
import { Accounts as AccountsService } from '@guildhall/contracts';
import { Fault, FaultCode } from '@guildhall/fault';
import type { Telemetry } from '@guildhall/telemetry';
import type { Accounts } from '../domain/ports.js';

/** Serves `Accounts`; any instance of the api answers. */
export function serveAccounts(bus: Bus, accounts: Accounts, telemetry: Telemetry): ServedMethods {
  return serveMethods(
    bus,
    { services: [AccountsService], route: 'any' },
    {
      // Asked of the database each time: a session outlives its token's place in any memory.
      authenticate: async ({ token }) => {
        const identity = await accounts.authenticateNow(token);
        if (identity === undefined) throw new Fault(FaultCode.Unauthorized, 'no such token');
        return { ...identity };
      },
      startSession: async ({ userId }) => {
        const started = await accounts.startSession(userId);
        if (started === undefined) {
          const message = 'You have used up the IDENTIFYs of the day.';
          throw Fault.refused({ discordCode: 0, httpStatus: 429, message });
        }
        return started;
      },
    },
    telemetry,
  );
}
