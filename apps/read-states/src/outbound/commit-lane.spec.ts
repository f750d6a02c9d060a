import { ManualClock } from '@guildhall/clock';
import { Fault, FaultCode } from '@guildhall/fault';
import { eventually } from '@guildhall/testkit';
import type { AckLog, Holdings } from './ack-log.js';
import { CommitLane } from './commit-lane.js';
import type { LogBuffer } from './log-records.js';

const EPOCHS = new Map([[1, 1n]]);

/** A log whose every answer the test gives. */
class FakeLog {
  readonly logId = 7n;
  appended = Promise.withResolvers<boolean>();
  settled = Promise.withResolvers<{ generation: bigint; batchNo: bigint }>();
  held = Promise.withResolvers<Holdings>();

  append(): Promise<boolean> {
    return this.appended.promise;
  }

  settle(): Promise<{ generation: bigint; batchNo: bigint }> {
    return this.settled.promise;
  }

  holdings(): Promise<Holdings> {
    return this.held.promise;
  }
}

/** A lane, and a change of user 1 written into its open batch. */
function stage(): { lane: CommitLane; log: FakeLog; change: () => Promise<unknown> } {
  const log = new FakeLog();
  const lane = new CommitLane({
    log: log as unknown as AckLog,
    recordsMax: 100,
    clock: new ManualClock(),
    random: () => 0,
    report: () => undefined,
    onStale: () => undefined,
    onSettled: () => undefined,
    onLost: () => undefined,
  });
  lane.gained(EPOCHS);
  const change = (): Promise<unknown> => {
    addRecord(lane.records);
    return lane.flushed();
  };
  return { lane, log, change };
}

/** A short record, as the table's are written: ten words. */
function addRecord(records: LogBuffer): void {
  records.copy(new Uint32Array([0, 0, 1 << 12, 0, 1, 0, 1, 0, 1, 0]), 0, 10);
}

describe('CommitLane.closedBatchNo', () => {
  it('is the number of the batch under way, and then the same', async () => {
    const { lane, log, change } = stage();
    expect(lane.closedBatchNo).toBe(0n);
    const flushed = change();
    expect(lane.closedBatchNo).toBe(0n);
    await eventually(() => lane.closedBatchNo === 1n, { label: 'the commit goes on' });
    expect(lane.batchNo).toBe(0n);
    log.appended.resolve(true);
    await flushed;
    expect([lane.batchNo, lane.closedBatchNo]).toEqual([1n, 1n]);
  });

  it('does not name the next batch while one that was written unheard is looked into', async () => {
    const { lane, log, change } = stage();
    const flushed = change();
    await eventually(() => lane.closedBatchNo === 1n, { label: 'the commit goes on' });
    log.appended.reject(new Fault(FaultCode.Unavailable, 'no answer'));
    log.settled.resolve({ generation: 1n, batchNo: 1n });
    await eventually(() => lane.batchNo === 1n, { label: 'the commit goes on' });
    // What is changed from here on goes into batch 2, which nobody may take for written.
    expect(lane.closedBatchNo).toBe(1n);
    log.held.resolve({ generation: 1n, batchNo: 1n, epochs: EPOCHS });
    await flushed;
    expect(lane.closedBatchNo).toBe(1n);
  });

  it('forgets the number of a batch that failed', async () => {
    const { lane, log, change } = stage();
    const flushed = change();
    await eventually(() => lane.closedBatchNo === 1n, { label: 'the commit goes on' });
    log.appended.reject(new Fault(FaultCode.Unavailable, 'no answer'));
    log.settled.resolve({ generation: 1n, batchNo: 0n });
    log.held.resolve({ generation: 1n, batchNo: 0n, epochs: EPOCHS });
    await flushed;
    expect([lane.closedBatchNo, lane.dropsCount, lane.stale.size]).toEqual([0n, 1, 1]);
    lane.stop();
  });
});
