import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { KNOBS, readConfig } from './config.js';

const ENV = { NATS_URL: 'nats://127.0.0.1:4222', DATABASE_URL: 'postgres://127.0.0.1/guildhall' };

describe('The configuration', () => {
  it('needs to know where NATS and PostgreSQL are, and says all that is wrong at once', () => {
    expect(readConfig(ENV)).toMatchObject({ port: 3011, instance: 'guilds-3011' });
    expect(() => readConfig({ TOPICS_MAX: 'many' })).toThrow(
      /TOPICS_MAX.*\n.*NATS_URL.*\n.*DATABASE_URL/,
    );
  });

  it('is in the README as it is here', () => {
    const readme = readFileSync(join(__dirname, '../README.md'), 'utf8').replaceAll(/ +/g, ' ');
    for (const { env, byDefault } of Object.values(KNOBS)) {
      expect(readme).toContain(`| \`${env}\` | ${byDefault.toLocaleString('en-US')} |`);
    }
    expect(readme.match(/^\| `[A-Z_]+` \|/gm)).toHaveLength(Object.keys(KNOBS).length);
  });
});
