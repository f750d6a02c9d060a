module.exports = { displayName: 'placement', preset: '../../jest.preset.cjs' };
