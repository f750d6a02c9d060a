// The set-up runs on a bare Node, before anything can be compiled, so it is plain modules; only for
// its specs are they turned into what Jest loads.
const preset = require('../../jest.preset.cjs');

const [swcJest, options] = preset.transform['^.+\\.[cm]?ts$'];
const asEcmaScript = {
  ...options,
  jsc: { ...options.jsc, parser: { syntax: 'ecmascript' } },
};

module.exports = {
  ...preset,
  displayName: 'setup',
  rootDir: __dirname,
  testMatch: ['**/*.spec.mjs'],
  transform: { ...preset.transform, '^.+\\.mjs$': [swcJest, asEcmaScript] },
};
