import { SendBacklog, type Waiter } from './send-backlog.js';

function waiter(cut: string[], name: string): Waiter {
  return { cutOff: () => void cut.push(name) };
}

describe('SendBacklog', () => {
  it('counts what waits, and forgets whoever waits for nothing', () => {
    const cut: string[] = [];
    const backlog = new SendBacklog(100);
    const one = waiter(cut, 'one');
    const other = waiter(cut, 'other');
    backlog.note(one, 40);
    backlog.note(other, 60);
    backlog.note(one, 30);
    expect([backlog.bytes, backlog.waitersCount]).toEqual([90, 2]);
    backlog.note(one, 0);
    backlog.note(one, 0);
    expect([backlog.bytes, backlog.waitersCount]).toEqual([60, 1]);
    expect(cut).toEqual([]);
  });

  it('cuts off the worst, and no more of them than it must', () => {
    const cut: string[] = [];
    const backlog = new SendBacklog(100);
    backlog.note(waiter(cut, 'a little'), 10);
    backlog.note(waiter(cut, 'most'), 50);
    backlog.note(waiter(cut, 'much'), 40);
    backlog.note(waiter(cut, 'one more'), 45);
    expect(cut).toEqual(['most']);
    expect(backlog.bytes).toBe(95);
    backlog.note(waiter(cut, 'last'), 60);
    expect(cut).toEqual(['most', 'last']);
    expect([backlog.bytes, backlog.waitersCount]).toEqual([95, 3]);
  });
});
