module.exports = { displayName: 'gateway-protocol', preset: '../../jest.preset.cjs' };
