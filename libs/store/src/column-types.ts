import { types, type CustomTypesConfig } from 'pg';

const INT8 = 20;
const INT8_ARRAY = 1016;

/** pg's list of types names no array. */
type TypeId = Parameters<typeof types.getTypeParser>[0];

const parseTexts = types.getTypeParser(INT8_ARRAY as TypeId);
const parseInt8Array = (text: string): unknown => toBigints(parseTexts(text));

/** As pg does, except that int8 is bigint, where pg leaves text because a number loses low bits. */
export const columnTypes: CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (format !== 'binary' && oid === INT8) return BigInt;
    if (format !== 'binary' && oid === INT8_ARRAY) return parseInt8Array;
    return types.getTypeParser(oid, format as 'text');
  }) as typeof types.getTypeParser,
};

function toBigints(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toBigints);
  return typeof value === 'string' ? BigInt(value) : value;
}
