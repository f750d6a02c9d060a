export { PlacementRing, moved } from './placement-ring.js';
