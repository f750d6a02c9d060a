module.exports = {
  displayName: 'e2e',
  preset: '../jest.preset.cjs',
  testEnvironment: '<rootDir>/story-environment.cjs',
  testMatch: ['**/*.e2e.spec.ts'],
  testTimeout: 60_000,
};
