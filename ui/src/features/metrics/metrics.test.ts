import { expect, test } from 'vitest';
import { modelRows, samples, sum } from './exposed';
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

test('counters are read as the server exposes them', () => {
  const all = samples('# HELP x y\n# TYPE x counter\nx{a="1",b="q\\"uote"} 3\nx{a="2"} 4.5\nplain 7 1700000000\nbad{} NaN\n');
  expect(all).toEqual([{ name: 'x', labels: { a: '1', b: 'q"uote' }, value: 3 }, { name: 'x', labels: { a: '2' }, value: 4.5 }, { name: 'plain', labels: {}, value: 7 }]);
  expect(sum(all, 'x')).toBe(7.5);
  expect(sum(all, 'x', { a: '2' })).toBe(4.5);
});

test('a model without a price costs nobody knows what', () => {
  const rows = modelRows(samples('orchestrate_model_calls_total{provider="p",model="m",outcome="answered"} 3\norchestrate_model_calls_total{provider="p",model="m",outcome="failed"} 1\norchestrate_model_tokens_total{provider="p",model="m",kind="input"} 10\norchestrate_model_calls_total{provider="p",model="n",outcome="answered"} 1\norchestrate_model_cost_nano_usd_total{provider="p",model="n"} 2500000000\n'));
  expect(rows.map((row) => [row.model, row.calls, row.failed, row.input, row.nano])).toEqual([['n', 1, 0, 0, 2_500_000_000], ['m', 4, 1, 10, undefined]]);
});
