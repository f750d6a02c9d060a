import type { Metrics } from '@guildhall/telemetry';

/** Where the numbers come from, read when somebody looks. */
export interface PlacementNumbers {
  partitionsOwned(): number;
  members(): number;
  demotions(): number;
  deaths(): number;
}

/** Shows a placement among the metrics of its process. One per process: a second call throws. */
export function showPlacement(metrics: Metrics, numbers: PlacementNumbers): void {
  const show = (type: 'gauge' | 'counter', name: string, help: string, read: () => number): void =>
    metrics.observe(type, { name: `placement_${name}`, help }, read);
  show('gauge', 'partitions_owned', 'Partitions that this instance owns', numbers.partitionsOwned);
  show('gauge', 'members', 'Living members of the own service', numbers.members);
  show('counter', 'demotions', 'Times that this instance lost its own lease', numbers.demotions);
  show('counter', 'deaths', 'Members of any service whose lease ended', numbers.deaths);
}
