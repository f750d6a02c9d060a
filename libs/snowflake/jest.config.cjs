module.exports = { displayName: 'snowflake', preset: '../../jest.preset.cjs' };
