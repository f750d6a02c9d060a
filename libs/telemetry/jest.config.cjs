// The exporter loads `http` with a dynamic import(), which Jest's CommonJS cannot do; compiled to
// require() it can, and the specs then send real bytes through the real exporter.
const [toCommonJs] = Object.values(require('../../jest.preset.cjs').transform);

module.exports = {
  displayName: 'telemetry',
  preset: '../../jest.preset.cjs',
  transform: { '/otlp-exporter-base/.+\\.cjs$': toCommonJs },
  transformIgnorePatterns: ['/node_modules/(?!@opentelemetry/otlp-exporter-base/)'],
};
