/**
 * Bytes that are not a payload: the only error the codecs throw on input, however hostile. At the
 * edge it becomes close code 4002. The message says what was wrong and never quotes the bytes.
 */
export class MalformedPayload extends Error {
  override readonly name = 'MalformedPayload';
}

/** What a decoder will not go beyond. */
export interface DecodeLimits {
  /** Bytes of the whole payload, after inflating if it is compressed. Default 16 MiB. */
  readonly sizeMax?: number;
  /** Arrays and maps inside each other. Default 64. */
  readonly depthMax?: number;
}

/**
 * For the test client, which reads whole READYs; the gateway passes its own, far smaller, limit.
 */
export const DECODE_SIZE_MAX_DEFAULT = 16 * 1024 * 1024;
export const DECODE_DEPTH_MAX_DEFAULT = 64;
