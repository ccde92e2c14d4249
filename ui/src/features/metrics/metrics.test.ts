import { expect, test } from 'vitest';
import { days, figures, part } from './model';

const run = (status: string, at: string, ms: number) =>
  ({ status, created_at: at, started_at: at, finished_at: new Date(Date.parse(at) + ms).toISOString() }) as never;

test('days without runs are days too', () => {
  const found = days([run('failed', '2026-05-03T10:00:00Z', 1000)], Date.parse('2026-05-04T00:00:00Z'), 3);
  expect(found.map((day) => [day.day, day.failed])).toEqual([['2026-05-02', 0], ['2026-05-03', 1], ['2026-05-04', 0]]);
});

test('what has not ended counts for nothing but its wait', () => {
  const found = figures([run('succeeded', '2026-05-03T10:00:00Z', 1000), run('failed', '2026-05-03T10:00:00Z', 3000), { status: 'running', created_at: '2026-05-03T10:00:00Z' } as never]);
  expect(found).toMatchObject({ ended: 2, pass: 0.5, took: [1000, 3000] });
  expect(part([1, 2, 3, 4], 0.5)).toBe(3);
  expect(part([], 0.5)).toBeUndefined();
});
