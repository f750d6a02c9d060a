// What it takes to tell many sockets of one event: see the README, and `--help`.
//
//   npm run bench -- fan-out fan-out
//
// Prints tables, and writes the figures as JSON. Its children are this same program.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { workspaceRoot } from '@guildhall/testkit';
import {
  CHILD_WORD,
  describeCells,
  describeProfile,
  describeWeights,
  parseArguments,
  runCourse,
  runSink,
  runSocketIoServer,
  runWsServer,
  SINK_ROLE,
  SOCKET_IO_ROLE,
  USAGE,
  UsageError,
  WS_ROLE,
  type Findings,
} from '../src/index.js';

const ROLES: Readonly<Record<string, () => void>> = {
  [SINK_ROLE]: runSink,
  [WS_ROLE]: runWsServer,
  [SOCKET_IO_ROLE]: runSocketIoServer,
};

function print(findings: Findings): void {
  const { node, kernel, cores, loadAverages, cells, weights, latency, profile } = findings;
  const loads = loadAverages.map((load) => load.toFixed(1)).join(', ');
  console.log(`\nNode ${node}, Linux ${kernel}, ${cores} cores; load averages ${loads}`);
  console.log(`\nCPU time of the server per delivery\n\n${describeCells(cells)}`);
  if (latency.length > 0) {
    console.log(`\nFive messages a second, each committed first\n\n${describeCells(latency)}`);
  }
  console.log(`\nSessions at rest\n\n${describeWeights(weights)}`);
  if (profile.length > 0) {
    console.log(`\nThe gateway's time, by function\n\n${describeProfile(profile)}`);
  }
}

async function main(words: string[]): Promise<void> {
  const request = parseArguments(words);
  if (request.isHelp) {
    console.log(USAGE);
    return;
  }
  const findings = await runCourse(request, (text) => console.log(text));
  print(findings);
  const usual = join(workspaceRoot(), 'tools/fan-out/dist/fan-out.json');
  const file = request.jsonFile === undefined ? usual : resolve(request.jsonFile);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(findings, undefined, 2)}\n`);
  console.log(`\nfigures in ${file}`);
}

const [word, role, ...others] = process.argv.slice(2);
if (word === CHILD_WORD) {
  ROLES[role!]!();
} else {
  const words = [word, role, ...others].filter((each) => each !== undefined);
  await main(words).catch((error: unknown) => {
    console.error(error instanceof UsageError ? `${error.message}\nTry --help.` : error);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  });
}
