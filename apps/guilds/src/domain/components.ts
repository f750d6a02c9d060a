/** Components of messages: what a person may press and choose. Kept as the bot sent them. */

/**
 * A component, as far as it is of interest here. Nothing about it was checked but that it is JSON.
 */
interface Component {
  readonly type?: unknown;
  readonly custom_id?: unknown;
  readonly disabled?: unknown;
  readonly components?: unknown;
  readonly accessory?: unknown;
  readonly options?: unknown;
  readonly min_values?: unknown;
  readonly max_values?: unknown;
}

const BUTTON = 2;
const TEXT_SELECT = 3;

/** What a person did with one. */
export interface ComponentUse {
  readonly customId: string;
  readonly type: number;
  /** What was chosen; undefined: nothing was to choose. */
  readonly values: readonly unknown[] | undefined;
}

/** Whether there is such a component among these, and it may be used so. */
export function isUsable(components: readonly object[], use: ComponentUse): boolean {
  const found = findComponent(components, use.customId);
  if (found === undefined || found.type !== use.type || found.disabled === true) return false;
  if (use.type === BUTTON) return use.values === undefined;
  const values = use.values ?? [];
  const { min_values: min = 1, max_values: max = 1 } = found;
  if (values.length < Number(min) || values.length > Number(max)) return false;
  if (new Set(values).size !== values.length) return false;
  if (use.type !== TEXT_SELECT) return true;
  const offered = new Set(objects(found.options).map(({ value }: { value?: unknown }) => value));
  return values.every((value) => offered.has(value));
}

/** Rows, sections and containers hold others. */
function findComponent(components: readonly object[], customId: string): Component | undefined {
  for (const component of components as readonly Component[]) {
    if (component.custom_id === customId) return component;
    const held = [...objects(component.components), ...objects([component.accessory])];
    const found = findComponent(held, customId);
    if (found !== undefined) return found;
  }
  return undefined;
}

function objects(value: unknown): object[] {
  if (!Array.isArray(value)) return [];
  return value.filter((one): one is object => typeof one === 'object' && one !== null);
}
