import { createGuildBody, modifyGuildBody } from './guild-body.js';
import { checked } from './validation.js';

describe('The body of a guild', () => {
  it('has a name of two letters or more, whatever is around it', () => {
    expect(checked(createGuildBody, { name: ' ab ' })).toEqual({ name: 'ab' });
    expect(() => checked(createGuildBody, { name: ' a ' })).toThrow('Invalid Form Body');
    expect(() => checked(modifyGuildBody, { name: 'a' })).toThrow('Invalid Form Body');
  });

  it('names a language that clients know', () => {
    expect(checked(modifyGuildBody, { preferred_locale: 'pt-BR' }).preferred_locale).toBe('pt-BR');
    expect(() => checked(modifyGuildBody, { preferred_locale: 'tlh' })).toThrow();
  });

  it('passes over what guilds here do not have', () => {
    expect(checked(modifyGuildBody, { features: ['COMMUNITY'], mfa_level: 1 })).toEqual({});
  });
});
