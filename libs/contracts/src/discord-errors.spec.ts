import { FaultCode } from '@guildhall/fault';
import { DiscordError, fieldErrors, refuse, refuseField } from './discord-errors.js';

describe('Discord errors', () => {
  it('are one row each: a code is in the table once', () => {
    const codes = Object.values(DiscordError).map(([code]) => code);
    expect(new Set(codes).size).toBe(codes.length);
  });

  it('refuse with code, status and message', () => {
    const fault = refuse('MissingPermissions');
    expect(fault.code).toBe(FaultCode.Refused);
    expect(fault.refusal).toEqual({
      discordCode: 50013,
      httpStatus: 403,
      message: 'Missing Permissions',
    });
  });

  it('nest what is wrong with a form by the path of each field', () => {
    expect(
      fieldErrors([
        { path: ['embeds', 0, 'title'], code: 'A', message: 'a' },
        { path: ['embeds', 0, 'title'], code: 'B', message: 'b' },
        { path: ['content'], code: 'C', message: 'c' },
      ]),
    ).toEqual({
      embeds: {
        '0': {
          title: {
            _errors: [
              { code: 'A', message: 'a' },
              { code: 'B', message: 'b' },
            ],
          },
        },
      },
      content: { _errors: [{ code: 'C', message: 'c' }] },
    });
    expect(refuseField(['name'], 'X', 'x').refusal?.errorsJson).toBe(
      '{"name":{"_errors":[{"code":"X","message":"x"}]}}',
    );
  });
});
