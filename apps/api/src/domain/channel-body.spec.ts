import {
  channelFields,
  createChannelBody,
  modifyChannelBody,
  moveChannelsBody,
  overwriteBody,
  overwriteTypeOf,
} from './channel-body.js';
import { checked } from './validation.js';

describe('The body of a new channel', () => {
  const fieldsOf = (body: unknown) => channelFields(checked(createChannelBody, body));

  it('is a text channel unless it says otherwise', () => {
    expect(fieldsOf({ name: ' hall ' })).toEqual({ name: 'hall', type: 0 });
    expect(fieldsOf({ name: 'x', type: 2 })).toEqual({ name: 'x', type: 2 });
    for (const type of [1, 3, 10, 11, 12, 13, 15, 16]) {
      expect(() => fieldsOf({ name: 'x', type })).toThrow('Invalid Form Body');
    }
  });

  it('takes null for nothing said', () => {
    const body = { name: 'x', position: null, permission_overwrites: null, topic: null };
    expect(fieldsOf(body)).toEqual({ name: 'x', type: 0 });
    expect(() => fieldsOf({ name: null })).toThrow('Invalid Form Body');
  });
});

describe('The body of a changed channel', () => {
  const fieldsOf = (body: unknown) => channelFields(checked(modifyChannelBody, body));

  it('takes null for what a new channel has, except its place', () => {
    expect(fieldsOf({ topic: null, bitrate: null, video_quality_mode: null })).toEqual({
      topic: '',
      bitrate: 64_000,
      videoQualityMode: 1,
    });
    expect(fieldsOf({ position: null })).toEqual({});
    expect(fieldsOf({ permission_overwrites: null })).toEqual({ overwrites: { items: [] } });
  });
});

describe('Moved channels', () => {
  it('are each a place, a category, or both', () => {
    expect(
      checked(moveChannelsBody, [{ id: '7' }, { id: 8, position: 0, parent_id: null }]),
    ).toEqual([
      { id: 7n, lock_permissions: false },
      { id: 8n, position: 0, parent_id: null, lock_permissions: false },
    ]);
  });
});

describe('An overwrite', () => {
  it('is a role’s or a member’s, in numbers or in the words of old', () => {
    expect([0, 1, 'role', 'member'].map((type) => overwriteTypeOf(type as 0))).toEqual([
      0, 1, 0, 1,
    ]);
  });

  it('allows and denies nothing that it does not name', () => {
    expect(checked(overwriteBody, { type: 1, deny: null })).toEqual({
      type: 1,
      allow: 0n,
      deny: 0n,
    });
  });

  it('has room for every permission there may be', () => {
    const all = String(2n ** 63n - 1n);
    expect(checked(overwriteBody, { type: 0, allow: all }).allow).toBe(2n ** 63n - 1n);
    expect(() => checked(overwriteBody, { type: 0, allow: String(2n ** 63n) })).toThrow();
  });
});
