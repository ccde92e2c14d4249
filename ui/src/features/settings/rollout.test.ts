import { describe, expect, test } from 'vitest';
import type { RolloutView } from '../../api/types';
import { awaited, byAge, meant, wishOf } from './rollout.model';

const view = (more: Partial<RolloutView> = {}): RolloutView => ({ version: 3, mode: 'production', pilot_tasks: [], orchestration: 'parallel', max_tasks: null, wip: { tester: 1 }, scheduler: 'priority', busy: [], ...more });

describe('a switch', () => {
  test('asks for nothing when nothing is different', () => {
    for (const of of [view(), view({ orchestration: 'hybrid', max_tasks: 3 }), view({ mode: 'pilot', pilot_tasks: ['TASK-1', 'TASK-2*'] })]) {
      expect(meant(of, wishOf(of))).toEqual({ change: {}, problems: {}, says: [] });
    }
  });
  test('asks for what is different, in words too', () => {
    const found = meant(view(), { ...wishOf(view()), mode: 'pilot', pilot: 'TASK-7, TASK-1*', orchestration: 'hybrid', tasks: '3', wip: 'tester=2 implementer:4', scheduler: 'fifo' });
    expect(found.problems).toEqual({});
    expect(found.change).toEqual({ mode: 'pilot', pilot_tasks: ['TASK-7', 'TASK-1*'], orchestration: 'hybrid', max_tasks: 3, wip: { tester: 2, implementer: 4 }, scheduler: 'fifo' });
    expect(found.says).toHaveLength(6);
  });
  test('says what is wrong with a field', () => {
    const wrong = (part: object) => Object.keys(meant(view(), { ...wishOf(view()), ...part }).problems);
    expect(wrong({ mode: 'pilot', pilot: ' ' })).toEqual(['pilot']);
    expect(wrong({ orchestration: 'hybrid', tasks: '0' })).toEqual(['tasks']);
    expect(wrong({ wip: 'tester=many' })).toEqual(['wip']);
    // Of a mode that has none, limits are not looked at.
    expect(wrong({ orchestration: 'sequential', wip: 'nonsense' })).toEqual([]);
  });
  test('that waits is told', () => {
    expect(awaited({ mode: 'shadow', orchestration: 'sequential' })).toBe('shadow, sequential tasks');
    expect(awaited({ wip: {} })).toBe('limits lifted');
  });
  test('is stood in the way of by those who work longest first', () => {
    const busy = (who: string, since: string) => ({ who, run: '1', run_name: 'a#1', stage: 's', since });
    expect(byAge([busy('b', '2026-01-02'), busy('a', '2026-01-01')]).map((one) => one.who)).toEqual(['a', 'b']);
  });
});
