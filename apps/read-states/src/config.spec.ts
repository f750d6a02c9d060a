import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { KNOBS, readConfig } from './config.js';

const ENV = { NATS_URL: 'nats://127.0.0.1:4222', DATABASE_URL: 'postgres://127.0.0.1/guildhall' };

describe('The configuration', () => {
  it('needs to know where NATS and PostgreSQL are, and says all that is wrong at once', () => {
    expect(readConfig(ENV)).toMatchObject({ port: 3013, instance: 'read-states-3013' });
    expect(() => readConfig({ TABLE_BYTES_MAX: 'many' })).toThrow(
      /TABLE_BYTES_MAX.*\n.*NATS_URL.*\n.*DATABASE_URL/,
    );
  });

  it('is in the README as it is here', () => {
    const readme = readFileSync(join(__dirname, '../README.md'), 'utf8').replaceAll(/ +/g, ' ');
    for (const { env, byDefault } of Object.values(KNOBS)) {
      expect(readme).toContain(`| \`${env}\` | ${byDefault.toLocaleString('en-US')} |`);
    }
  });
});
