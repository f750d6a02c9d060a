module.exports = { displayName: 'e2e', preset: '../jest.preset.cjs', testMatch: ['**/*.e2e.spec.ts'], testTimeout: 60_000 };
