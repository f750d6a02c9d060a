import { callbackBody, interactionBody } from './interaction-body.js';
import { checked } from './validation.js';

describe('What people and bots send about interactions', () => {
  it.each([{}, { type: 99 }, { type: 2, application_id: 'x' }])('refuses %j', (body) => {
    expect(() => checked(interactionBody, body)).toThrow('Invalid Form Body');
  });

  it('refuses an answer of no known type', () => {
    expect(() => checked(callbackBody, { type: 77 })).toThrow('Invalid Form Body');
  });
});
