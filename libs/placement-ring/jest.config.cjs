module.exports = { displayName: 'placement-ring', preset: '../../jest.preset.cjs' };
