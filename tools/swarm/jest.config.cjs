module.exports = { displayName: 'swarm', preset: '../../jest.preset.cjs' };
