import { readTelemetryEnv } from './telemetry-env.js';

describe('readTelemetryEnv', () => {
  it('has a default for everything', () => {
    expect(readTelemetryEnv({ LOG_LEVEL: '' })).toEqual({
      values: { logLevel: 'info', traceRatio: 0.01, spansPerSecondMax: 500 },
      problems: [],
    });
  });

  it('reads what is set', () => {
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318',
      GUILDHALL_TRACE_RATIO: '1',
      GUILDHALL_TRACE_SPANS_PER_SECOND: 'Infinity',
      LOG_LEVEL: 'DEBUG',
    };
    expect(readTelemetryEnv(env)).toEqual({
      values: {
        logLevel: 'debug',
        otlpEndpoint: 'http://127.0.0.1:4318',
        traceRatio: 1,
        spansPerSecondMax: Infinity,
      },
      problems: [],
    });
  });

  it('lists every problem and goes on with the defaults', () => {
    const { values, problems } = readTelemetryEnv({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318',
      GUILDHALL_TRACE_RATIO: '1.5',
      GUILDHALL_TRACE_SPANS_PER_SECOND: 'many',
      LOG_LEVEL: 'loud',
    });
    expect(values).toEqual({ logLevel: 'info', traceRatio: 0.01, spansPerSecondMax: 500 });
    expect(problems).toEqual([
      'OTEL_EXPORTER_OTLP_ENDPOINT must be an http or https address',
      'LOG_LEVEL must be one of debug, info, warn, error, fatal, silent',
      'GUILDHALL_TRACE_RATIO must be a number from 0 to 1',
      'GUILDHALL_TRACE_SPANS_PER_SECOND must be a number from 0 up, or Infinity',
    ]);
  });
});
