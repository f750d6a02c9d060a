import { DispatchEvent, isDispatchEvent } from './dispatch-events.js';

describe('DispatchEvent', () => {
  it('names each event once, the name in code being the name on the wire', () => {
    for (const [key, name] of Object.entries(DispatchEvent)) {
      const words = name.split('_').map((word) => word[0] + word.slice(1).toLowerCase());
      expect(words.join('')).toBe(key);
    }
  });

  it('knows its own', () => {
    expect(isDispatchEvent('MESSAGE_CREATE')).toBe(true);
    expect(isDispatchEvent('message_create')).toBe(false);
    expect(isDispatchEvent('constructor')).toBe(false);
  });
});
