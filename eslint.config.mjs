import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

const scopes = ['gateway', 'api', 'guilds', 'presence', 'read-states'];
const layers = {
  kernel: ['kernel'],
  contract: ['kernel', 'contract'],
  model: ['kernel', 'contract', 'model'],
  platform: ['kernel', 'contract', 'platform'],
  service: ['kernel', 'contract', 'model', 'platform'],
};
const anythingButApps = ['kernel', 'contract', 'model', 'platform', 'testing', 'tool'];
const withPackages = {
  kernel: { bannedExternalImports: ['*'] },
  contract: { allowedExternalImports: ['@bufbuild/*', '@guildhall/*'] },
  model: { bannedExternalImports: ['*'] },
};
const tags = (types) => types.map((type) => `type:${type}`);

/** Who may import what: the table in docs/STYLE.md, as a rule. Specs may also use the testkit. */
const boundaries = (extra) => [
  'error',
  {
    enforceBuildableLibDependency: false,
    allow: [],
    depConstraints: [
      ...Object.entries(layers).map(([type, allowed]) => ({
        sourceTag: `type:${type}`,
        onlyDependOnLibsWithTags: tags([...allowed, ...extra]),
        ...(extra.length === 0 ? withPackages[type] : {}),
      })),
      ...['testing', 'tool', 'e2e'].map((type) => ({
        sourceTag: `type:${type}`,
        onlyDependOnLibsWithTags: tags(anythingButApps),
      })),
      ...scopes.map((scope) => ({
        sourceTag: `scope:${scope}`,
        onlyDependOnLibsWithTags: [`scope:${scope}`, 'scope:fleet'],
      })),
      { sourceTag: 'scope:fleet', onlyDependOnLibsWithTags: ['scope:fleet'] },
    ],
  },
];

/** `domain` decides; it never reaches out, and no other room reaches around it. */
const domainIsPure = {
  patterns: [
    {
      group: ['../inbound/*', '../outbound/*', '../service.js'],
      message: 'domain imports no room',
    },
    {
      group: ['@guildhall/bus', '@guildhall/store', '@guildhall/placement', '@guildhall/service'],
      message: 'domain is pure: no platform lib',
    },
    {
      group: ['node:fs*', 'node:net', 'node:http*', 'node:timers*'],
      message: 'domain does no I/O',
    },
  ],
};

export default [
  {
    ignores: [
      '**/dist',
      '**/out-tsc',
      '**/.nx',
      '**/.guildhall',
      '**/src/gen',
      '**/*.cjs',
      '**/*.mjs',
    ],
  },
  { plugins: { '@nx': nx } },
  ...tseslint.configs.recommended.map((config) => ({ ...config, files: ['**/*.ts'] })),
  {
    files: ['**/*.ts'],
    languageOptions: { parser: tseslint.parser },
    rules: {
      '@nx/enforce-module-boundaries': boundaries([]),
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_' },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'off',
      'no-console': 'error',
      eqeqeq: ['error', 'always'],
    },
  },
  {
    files: ['apps/*/src/domain/**/*.ts'],
    rules: { 'no-restricted-imports': ['error', domainIsPure] },
  },
  {
    files: ['**/*.spec.ts', '**/*.conformance.ts', '**/bench/**/*.ts'],
    rules: {
      '@nx/enforce-module-boundaries': boundaries(['testing']),
      'no-restricted-imports': 'off',
    },
  },
  { files: ['tools/**/*.ts', '**/bench/**/*.ts', 'e2e/**/*.ts'], rules: { 'no-console': 'off' } },
];
