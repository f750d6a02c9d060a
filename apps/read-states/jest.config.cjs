module.exports = { displayName: 'read-states', preset: '../../jest.preset.cjs' };
