import { resolve } from 'node:path';
import { readRepository } from './repository.js';
import { RULES, withoutComments } from './rules.js';

describe('The repository', () => {
  const repository = readRepository(resolve(__dirname, '../../..'));

  it('is read whole', () => {
    expect(repository.projects.length).toBeGreaterThan(15);
    expect(repository.files.length).toBeGreaterThan(200);
  });

  it.each(RULES.map((rule) => [rule.title, rule] as const))('%s', (_, rule) => {
    expect(rule.find(repository)).toEqual([]);
  });
});

describe('Tidy', () => {
  const file = (path: string, text: string) => ({
    root: '',
    projects: [],
    files: [{ path, text }],
  });
  const findings = (title: string, path: string, text: string): string[] =>
    RULES.find((rule) => rule.title === title)!.find(file(path, text));

  it.each([
    ['process belongs to main.ts', 'apps/x/src/service.ts', 'const a = process.env;'],
    ['nothing is printed but by the logger', 'libs/x/src/a.ts', 'console.log(1);'],
    [
      'domain and kernel have no time and no chance of their own',
      'apps/x/src/domain/a.ts',
      'Date.now();',
    ],
    ['no folder for what has no name', 'libs/utils/src/a.ts', ''],
    ['subjects are written in contracts', 'apps/x/src/a.ts', "const s = 'guilds.v1.p1.x';"],
    ['lines end before they are hard to read', 'apps/x/src/a.ts', 'x'.repeat(101)],
    ['versions are pinned exactly', 'package.json', '{"dependencies":{"a":"^1.0.0"}}'],
    ['every decision has its place in the list', 'docs/adr/0001-x.md', ''],
    ['every domain file is held by a spec', 'apps/x/src/domain/a.ts', 'export function a() {}'],
  ])('finds what breaks "%s"', (title, path, text) => {
    expect(findings(title, path, text)).toHaveLength(1);
  });

  it('does not read comments as code', () => {
    expect(withoutComments("a(); // console.log\n/* process.env\n */ b('//x')")).toBe(
      "a(); \n              \n    b('//x')",
    );
  });
});
