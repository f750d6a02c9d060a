export type { MemberState, MemberView } from './member-table.js';
export { joinPlacement, Placement } from './placement.js';
export type { PlacementChange, PlacementOptions, ServiceWatch } from './placement-options.js';
