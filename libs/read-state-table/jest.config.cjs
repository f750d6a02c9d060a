module.exports = { displayName: 'read-state-table', preset: '../../jest.preset.cjs' };
