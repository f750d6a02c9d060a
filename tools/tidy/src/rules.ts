/**
 * What is checked of the repository itself. Each rule gives one line per finding: where, and why.
 */
import type { Project, Repository, SourceFile } from './repository.js';

export interface Rule {
  readonly title: string;
  find(repository: Repository): string[];
}

const COLUMNS_MAX = 100;
const HEADINGS = ['## Owns', '## Speaks', '## Knobs', '## When it dies'];
const FORBIDDEN_FOLDERS = /(^|\/)(util|utils|common|shared|helpers|core|types)\//;
/** The one place of the kernel where time comes from. */
const CLOCK = /^libs\/clock\//;

const isCode = ({ path }: SourceFile): boolean => path.endsWith('.ts') && !path.includes('/gen/');
const isSpec = ({ path }: SourceFile): boolean => /\.(spec|conformance|bench)\.ts$/.test(path);
const isSource = (file: SourceFile): boolean =>
  isCode(file) && !isSpec(file) && /^(apps|libs)\//.test(file.path) && file.path.includes('/src/');
const isTesting = ({ path }: SourceFile): boolean =>
  path.startsWith('libs/testkit/') || path.includes('/testing/');
const isDomain = ({ path }: SourceFile): boolean => path.includes('/src/domain/');

/** Code without its comments, so that prose may name what code may not. Line numbers stay. */
export function withoutComments(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' '))
    .replace(/(^|[^:'"`])\/\/[^\n]*/g, '$1');
}

function findLines(
  files: readonly SourceFile[],
  pattern: RegExp,
  why: string,
  read: (text: string) => string = withoutComments,
): string[] {
  return files.flatMap(({ path, text }) =>
    read(text)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1} ${why}`] : [])),
  );
}

const tagged = (repository: Repository, ...types: string[]): Project[] =>
  repository.projects.filter(({ tags }) => types.some((type) => tags.includes(`type:${type}`)));

const within = (projects: readonly Project[], file: SourceFile): boolean =>
  projects.some(({ path }) => file.path.startsWith(`${path}/`));

export const RULES: readonly Rule[] = [
  {
    title: 'process belongs to main.ts',
    find: ({ files }) =>
      findLines(
        files.filter(
          (file) => isSource(file) && !isTesting(file) && !file.path.endsWith('/main.ts'),
        ),
        /(?<![.#\w])process\.(env|exit|on|stdout|stderr|argv)\b/,
        'takes what it needs as an argument, so that it can be tested and assembled anew',
      ),
  },
  {
    title: 'nothing is printed but by the logger',
    find: ({ files }) =>
      findLines(
        files.filter(isSource),
        /(?<![.\w])console\./,
        'a log line needs fields and a trace',
      ),
  },
  {
    title: 'domain and kernel have no time and no chance of their own',
    find: (repository) => {
      const kernel = tagged(repository, 'kernel', 'model');
      const files = repository.files.filter(
        (file) =>
          isSource(file) && !CLOCK.test(file.path) && (isDomain(file) || within(kernel, file)),
      );
      return findLines(
        files,
        /\b((Date|performance)\.now|set(Timeout|Interval|Immediate)|Math\.random|new Date\(\))/,
        'a decision that reads the clock cannot be replayed from a seed',
      );
    },
  },
  {
    title: 'kernel and model do no I/O',
    find: (repository) => {
      const pure = tagged(repository, 'kernel', 'model');
      const files = repository.files.filter((file) => isSource(file) && within(pure, file));
      return findLines(files, /from 'node:/, 'the lowest layer must run anywhere');
    },
  },
  {
    title: 'every project says what it is',
    find: (repository) =>
      repository.projects.flatMap((project) => {
        const readme = repository.files.find(({ path }) => path === `${project.path}/README.md`);
        const missing = HEADINGS.filter((heading) => !readme?.text.includes(`\n${heading}\n`));
        const kinds = ['type:', 'scope:'].filter(
          (kind) => !project.tags.some((tag) => tag.startsWith(kind)),
        );
        return [
          ...missing.map((heading) => `${project.path}/README.md has no "${heading}"`),
          ...kinds.map((kind) => `${project.path}/package.json has no ${kind} tag`),
        ];
      }),
  },
  {
    title: 'what is called hot is measured',
    find: ({ files, projects }) =>
      files
        .filter((file) => isSource(file) && file.text.includes('Hot path'))
        .filter((file) => {
          const project = projects.find(({ path }) => file.path.startsWith(`${path}/`));
          return !files.some(({ path }) => path.startsWith(`${project?.path}/bench/`));
        })
        .map(({ path }) => `${path} says "Hot path" and its project has no bench`),
  },
  {
    title: 'no folder for what has no name',
    find: ({ files }) =>
      files
        .filter((file) => isCode(file) && FORBIDDEN_FOLDERS.test(file.path))
        .map(({ path }) => `${path} is in a folder that says nothing`),
  },
  {
    title: 'subjects are written in contracts',
    find: ({ files }) =>
      findLines(
        files.filter((file) => isSource(file) && !file.path.startsWith('libs/contracts/')),
        /['"`][a-z-]+\.v1\.(p[\d$*]|any\.|all\.|\*|digest|members|taken)/,
        'a subject in two places is a contract that can drift',
      ),
  },
  {
    title: 'lines end before they are hard to read',
    find: ({ files }) =>
      findLines(
        files.filter((file) => isCode(file) || file.path.endsWith('.proto')),
        new RegExp(`^.{${COLUMNS_MAX + 1},}$`),
        `is longer than ${COLUMNS_MAX} columns`,
        (text) => text.replace(/^.*(https?:\/\/|['"`]).*$/gm, ''),
      ),
  },
  {
    title: 'versions are pinned exactly',
    find: ({ files }) =>
      files
        .filter(({ path }) => path.endsWith('package.json'))
        .flatMap(({ path, text }) => {
          const manifest = JSON.parse(text) as Record<string, Record<string, string> | undefined>;
          const all = { ...manifest['dependencies'], ...manifest['devDependencies'] };
          return Object.entries(all)
            .filter(([name, version]) => !name.startsWith('@guildhall/') && !/^\d/.test(version))
            .map(([name, version]) => `${path} has ${name} at ${version}`);
        }),
  },
  {
    title: 'every decision has its place in the list',
    find: ({ files }) => {
      const list = files.find(({ path }) => path === 'docs/adr/README.md')?.text ?? '';
      return files
        .map(({ path }) => /^docs\/adr\/(\d{4}-.*\.md)$/.exec(path)?.[1])
        .filter((name) => name !== undefined && !list.includes(name))
        .map((name) => `docs/adr/${name} is not listed in docs/adr/README.md`);
    },
  },
  {
    title: 'every domain file is held by a spec',
    find: ({ files }) => {
      const importsOf = (file: SourceFile): string[] =>
        [...file.text.matchAll(/from '\.[^']*\/([a-z0-9-]+)\.js'/g)].map((match) => match[1]!);
      const appOf = ({ path }: SourceFile): string => path.split('/', 2).join('/');
      const held = new Set<string>();
      for (const spec of files.filter(isSpec)) {
        for (const name of importsOf(spec)) held.add(`${appOf(spec)}/${name}`);
      }
      // What a held file is made of is held with it: parts of a decision need no spec of their own.
      for (const file of files.filter((each) => isSource(each) && held.has(keyOf(each, appOf)))) {
        for (const name of importsOf(file)) held.add(`${appOf(file)}/${name}`);
      }
      return files
        .filter((file) => isSource(file) && isDomain(file))
        .filter((file) => /^export (function|class|const \w+ = (\(|async))/m.test(file.text))
        .filter((file) => !held.has(keyOf(file, appOf)))
        .map(({ path }) => `${path} is imported by no spec, nor by what a spec imports`);
    },
  },
];

const keyOf = (file: SourceFile, appOf: (file: SourceFile) => string): string =>
  `${appOf(file)}/${file.path.slice(file.path.lastIndexOf('/') + 1, -'.ts'.length)}`;
