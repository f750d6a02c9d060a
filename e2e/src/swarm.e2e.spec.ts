// The promises of delivery, held under everything at once: hundreds of sessions of all encodings
// and both kinds of account, while permissions change, some read slowly, and many lose their
// connections. Each session is checked for itself (tools/swarm): no event missed, none twice, none
// out of order, none seen that may not be seen, all there at the end.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { bundleClients, describeReport, readScenario, runSwarm, targetOf } from '@guildhall/swarm';
import type { SwarmReport } from '@guildhall/swarm';
import { seedFromEnv, workspaceRoot } from '@guildhall/testkit';

import { useFleet } from './harness/fleet-for-spec.js';

const seed = seedFromEnv(process.env['SEED']);
const file = join(workspaceRoot(), 'tools/swarm/scenarios/mixed.json');
const scenario = readScenario(JSON.parse(readFileSync(file, 'utf8')));
const { gateways, guilds, gatewayEnv } = scenario.fleet;
const RUN_TIMEOUT_MS = 240_000;

const fleet = useFleet({
  instances: { gateway: gateways, guilds },
  appEnv: { gateway: { ...gatewayEnv, SENDS_MAX: '100000' } },
});

describe(`a mixed swarm (SEED=${seed})`, () => {
  let report: SwarmReport;

  beforeAll(async () => {
    const clientFile = await bundleClients();
    const target = await targetOf(fleet());
    try {
      report = await runSwarm({ scenario, seed, target, clientFile });
    } finally {
      await target.stop();
    }
  }, RUN_TIMEOUT_MS);

  it('misses nothing, sees nothing twice, out of order, or hidden from it', () => {
    if (!report.isClean) throw new Error(describeReport(report));
    expect(report.violations).toEqual({});
  });

  it('had reason to: much was said, and much went wrong', () => {
    const { messages, deliveries, counters, sessions } = report;
    expect(sessions).toBe(scenario.sessions.bots + scenario.sessions.people);
    expect(messages.failed).toBe(0);
    expect(messages.sent).toBeGreaterThan(100);
    expect(deliveries).toBeGreaterThan(5_000);
    expect(messages.permissionChanges).toBeGreaterThan(5);
    expect(counters.drops).toBeGreaterThan(50);
    expect(counters.resumed).toBeGreaterThan(20);
    expect(counters.readies).toBeGreaterThan(10);
    expect(counters.fullDecodes).toBeGreaterThan(100);
  });
});
