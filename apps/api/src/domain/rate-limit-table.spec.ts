import { globalRate, invalidRequests, rateBucketOf } from './rate-limit-table.js';

const MESSAGES = '/channels/:channel_id/messages';

describe('The table of rate limits', () => {
  it('gives each route and method its own bucket, and some a common one', () => {
    const post = rateBucketOf('POST', MESSAGES, 1);
    const get = rateBucketOf('GET', MESSAGES, 1);
    const remove = rateBucketOf('DELETE', `${MESSAGES}/:message_id`, 1);
    expect(new Set([post.hash, get.hash, remove.hash]).size).toBe(3);
    const reaction = `${MESSAGES}/:message_id/reactions/:emoji/@me`;
    expect(rateBucketOf('PUT', reaction, 1)).toEqual(rateBucketOf('DELETE', reaction, 1));
    expect(rateBucketOf('PUT', reaction, 1).rate).toEqual({ limit: 1, windowMs: 250 });
    expect(post.rate).toEqual({ limit: 5, windowMs: 5_000 });
  });

  it('names buckets so that nobody learns the route', () => {
    expect(rateBucketOf('POST', MESSAGES, 1).hash).toMatch(/^[0-9a-f]{32}$/);
  });

  it('multiplies by the factor, and never down to nothing', () => {
    expect(rateBucketOf('POST', MESSAGES, 3).rate.limit).toBe(15);
    expect(rateBucketOf('POST', MESSAGES, 0.01).rate.limit).toBe(1);
    expect(globalRate(2)).toEqual({ limit: 100, windowMs: 1_000 });
    expect(invalidRequests(7)).toEqual({ limit: 7, windowMs: 600_000 });
  });

  it('has something sensible for routes without a row', () => {
    expect(rateBucketOf('GET', '/x', 1).rate.limit).toBeGreaterThan(
      rateBucketOf('POST', '/x', 1).rate.limit,
    );
    expect(rateBucketOf('POST', '/x/ack', 1).rate.limit).toBe(30);
  });
});
