import type { ReceivedFile } from './ports.js';
import {
  createMessageBody,
  editMessageBody,
  listMessagesQuery,
  matchNotes,
  refuseEmpty,
  refuseUnsent,
} from './message-body.js';
import { checked } from './validation.js';

const file = (field: string): ReceivedFile => ({
  field,
  filename: 'x',
  contentType: 'text/plain',
  sizeBytes: 1,
  tempPath: '/x',
});

describe('The body of a new message', () => {
  it('remembers whether a nonce was a number', () => {
    const nonceOf = (nonce: unknown) => checked(createMessageBody, { nonce }).nonce;
    expect(nonceOf(123)).toEqual({ text: '123', isNumber: true });
    expect(nonceOf('123')).toEqual({ text: '123', isNumber: false });
    expect(nonceOf(null)).toBeUndefined();
    expect(() => nonceOf('x'.repeat(26))).toThrow();
    expect(() => nonceOf({})).toThrow();
  });

  it('lets whom to ping be said once only', () => {
    const mentions = (given: unknown) => () =>
      checked(createMessageBody, { allowed_mentions: given });
    expect(mentions({ parse: ['users'], roles: ['1'] })().allowed_mentions).toEqual({
      parse: ['users'],
      users: [],
      roles: [1n],
      replied_user: false,
    });
    expect(mentions({ parse: ['users'], users: ['1'] })).toThrow();
    expect(mentions({ parse: ['nobody'] })).toThrow();
  });

  it('keeps the flags that may be set', () => {
    expect(checked(createMessageBody, { flags: 0xffff }).flags).toBe((1 << 2) | (1 << 12));
  });

  it('says something, by text, embed, file, sticker or component', () => {
    const refuses = (given: unknown, files: ReceivedFile[] = []) =>
      expect(() => refuseEmpty(checked(createMessageBody, given), files));
    refuses({}).toThrow('Cannot send an empty message');
    refuses({ embeds: [], sticker_ids: [], components: [] }).toThrow();
    refuses({ content: 'x' }).not.toThrow();
    refuses({ embed: { title: 'x' } }).not.toThrow();
    refuses({ sticker_ids: ['1'] }).not.toThrow();
    refuses({ components: [{ type: 1 }] }).not.toThrow();
    refuses({}, [file('file')]).not.toThrow();
  });
});

describe('The body of an edit', () => {
  it('tells emptied from untouched', () => {
    expect(checked(editMessageBody, {})).toEqual({});
    expect(checked(editMessageBody, { content: null, embeds: null })).toEqual({
      content: null,
      embeds: null,
    });
  });
});

describe('The query of a list', () => {
  it('goes by one anchor', () => {
    expect(checked(listMessagesQuery, {})).toEqual({
      limit: 50,
      before: 0n,
      after: 0n,
      around: 0n,
    });
    expect(checked(listMessagesQuery, { around: '1', before: '2', after: '3' }).around).toBe(1n);
    expect(checked(listMessagesQuery, { before: '2', after: '3' })).toMatchObject({
      before: 2n,
      after: 0n,
    });
  });

  // discord.py asks for a history from its beginning like this.
  it('takes an anchor of 0 for before everything, which is not the same as none', () => {
    const page = { limit: 50, before: 0n, after: 0n, around: 0n };
    expect(checked(listMessagesQuery, { after: '0' })).toEqual({ ...page, after: 1n });
    expect(checked(listMessagesQuery, { before: 0 })).toEqual({ ...page, before: 1n });
    expect(checked(listMessagesQuery, { around: '0' })).toEqual({ ...page, around: 1n });
    expect(checked(listMessagesQuery, { after: null })).toEqual(page);
  });
});

describe('Files and what is said of them', () => {
  it('belong together by number, whatever their order', () => {
    const { noted, keepIds } = matchNotes(
      [file('files[1]'), file('files[0]')],
      [
        { id: 0n, filename: 'zero' },
        { id: 1n, filename: 'one', description: 'first' },
        { id: 817000000000000001n },
      ],
    );
    expect(noted.map(({ filename, description }) => [filename, description])).toEqual([
      ['one', 'first'],
      ['zero', ''],
    ]);
    expect(keepIds).toEqual([817000000000000001n]);
    expect(() => refuseUnsent(keepIds)).toThrow();
    expect(() => refuseUnsent([])).not.toThrow();
  });

  it('need no word to be said of them', () => {
    const { noted } = matchNotes([file('file'), file('other')], undefined);
    expect(noted.map(({ filename }) => filename)).toEqual([undefined, undefined]);
  });
});
