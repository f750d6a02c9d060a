/**
 * One field of a PATCH as the owners want it: absent stays absent, null is the zero value.
 *
 *   { ...patch('topic', body.topic, '') }      topic: null in JSON is an empty topic
 */
export function patch<K extends string, V>(
  key: K,
  value: V | null | undefined,
  zero: V,
): { [name in K]?: V } {
  if (value === undefined) return {};
  return { [key]: value ?? zero } as { [name in K]?: V };
}
