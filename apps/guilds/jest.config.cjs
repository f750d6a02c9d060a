module.exports = { displayName: 'guilds', preset: '../../jest.preset.cjs' };
