// That docs/protocol/errors.md says of the gateway what the gateway does.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Fault, FaultCode } from '@guildhall/fault';
import { CLOSE_BEHAVIOURS } from '@guildhall/gateway-protocol';
import { TestGatewayClient } from '@guildhall/testkit';
import { isFinal } from './inbound/attaching.js';
import { runGateway } from './testing/running-gateway.js';

const PAGE = readFileSync(join(__dirname, '../../../docs/protocol/errors.md'), 'utf8');

/** The rows of the table under a heading, cell by cell, without code marks. */
function tableUnder(heading: string): string[][] {
  const part = PAGE.split(/^## /m).find((each) => each.startsWith(`${heading}\n`)) ?? '';
  const lines = part.split('\n').filter((line) => line.startsWith('|'));
  return lines.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
}

describe('The page about errors', () => {
  const faults = tableUnder('Faults') as [FaultCode, ...string[]][];

  it('has every fault once', () => {
    expect(faults.map(([code]) => code)).toEqual(Object.values(FaultCode));
  });

  it.each(faults)(
    'says what IDENTIFY and RESUME are closed with: %s',
    async (code, _http, closes) => {
      await using gateway = await runGateway({ requestDeadlineMs: 50 });
      gateway.fleet.user('token');
      // What accounts refuse is one more session of the day.
      if (code === FaultCode.Refused) gateway.fleet.identifiesLeft = 0;
      else {
        gateway.fleet.accounts.get = () => {
          throw new Fault(code, 'not now');
        };
      }
      const closedAfter = async (op: number, d: object): Promise<string> => {
        const client = await TestGatewayClient.connect({ url: gateway.url });
        client.send(op, d);
        return String((await client.closed).code);
      };
      const identify = { token: 'token', intents: 0, properties: {} };
      expect(await closedAfter(2, identify)).toBe(closes);
      if (code === FaultCode.Refused) return;
      expect(await closedAfter(6, { token: 'token', session_id: 'x', seq: 1 })).toBe(closes);
    },
  );

  it.each(faults)('says what a session hears of its guild: %s', (code, _http, _closes, guild) => {
    expect(guild).toBe(isFinal(new Fault(code, 'not now')) ? 'out' : 'outage');
  });

  it('lists every close code and what it allows', () => {
    const yesOrNo = (is: boolean) => (is ? 'yes' : 'no');
    const rows = Object.entries(CLOSE_BEHAVIOURS).map(
      ([code, { meaning, mayResume, mayReconnect }]) => [
        ...[code, meaning, yesOrNo(mayResume), yesOrNo(mayReconnect)],
      ],
    );
    expect(tableUnder('Close codes')).toEqual(rows);
  });
});
