// What a Fault becomes, and that the page which says so says it right.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DiscordError, refuse } from '@guildhall/contracts';
import { Fault, FaultCode, isRetryable } from '@guildhall/fault';
import { faultAnswer, jsonArray } from './answer.js';

const PAGE = readFileSync(join(__dirname, '../../../../docs/protocol/errors.md'), 'utf8');

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
  const faults = tableUnder('Faults');

  it('has every fault once', () => {
    expect(faults.map(([code]) => code)).toEqual(Object.values(FaultCode));
  });

  it.each(faults)('says how %s is answered', (code, http, _closes, _guild, again, client) => {
    const isRefused = code === FaultCode.Refused;
    const fault = isRefused ? refuse('UserBanned') : new Fault(code as FaultCode, 'x');
    const { status } = faultAnswer(fault);
    expect(http).toBe(isRefused ? 'as refused' : String(status));
    if (isRefused) expect(status).toBe(403);
    expect(again).toBe(isRetryable(code as FaultCode) ? 'yes' : 'no');
    expect(client).toMatch(status >= 500 ? /^yes/ : /^no/);
  });

  it('lists every refusal, by its code', () => {
    const rows = Object.values(DiscordError)
      .toSorted(([a], [b]) => a - b)
      .map(([code, status, message]) => [String(code), String(status), message]);
    expect(tableUnder('Refusals')).toEqual(rows);
  });
});

describe('A fault', () => {
  it('gives away nothing of what went wrong inside', () => {
    for (const code of Object.values(FaultCode)) {
      if (code === FaultCode.Refused) continue;
      const { body } = faultAnswer(new Fault(code, 'secret', { cause: new Error('secret') }));
      expect(body).not.toContain('secret');
    }
  });

  it('that is a limit says for how long, a second if its owner did not', () => {
    const given = faultAnswer(refuse('SlowmodeRateLimit', '{"retry_after":2.5}'));
    expect(given.headers).toEqual({ 'retry-after': '3', 'x-ratelimit-scope': 'shared' });
    for (const odd of [undefined, '', 'null', '{', '{"retry_after":"x"}', '{"retry_after":-1}']) {
      const answer = faultAnswer(refuse('SlowmodeRateLimit', odd));
      expect(JSON.parse(answer.body as string)).toMatchObject({ code: 20016, retry_after: 1 });
    }
  });
});

describe('jsonArray', () => {
  it('joins what is JSON already', () => {
    const bodyOf = (...texts: string[]) =>
      String(jsonArray(texts.map((text) => Buffer.from(text))).body);
    expect(bodyOf()).toBe('[]');
    expect(bodyOf('{"a": 1}', '2')).toBe('[{"a": 1},2]');
  });
});
