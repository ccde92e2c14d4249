import { expect, test } from 'vitest';
import { became, deliveriesOf, ends, stateOf } from './model';

const event = (more: object) => ({ id: 'e', type: 'push', source: 'forge', started: [], taken_by: [], problem: '', waits: false, ...more }) as never;

test('a token is good until it is revoked or over', () => {
  const now = Date.parse('2026-05-04T00:00:00Z');
  expect(stateOf({}, now)).toBe('good');
  expect(stateOf({ expires_at: '2026-05-04T00:00:00Z' }, now)).toBe('over');
  expect(stateOf({ expires_at: '2026-05-05T00:00:00Z', revoked_at: '2026-05-01T00:00:00Z' }, now)).toBe('revoked');
  expect(ends('7', now)).toBe('2026-05-11T00:00:00.000Z');
  expect(ends('', now)).toBeUndefined();
});

test('what became of a delivery is said, also where nothing did', () => {
  expect(became(event({ started: ['ci#4'] }))).toBe('started ci#4');
  expect(became(event({ taken_by: ['ci#3'] }))).toBe('taken by ci#3');
  expect(became(event({ problem: 'too old' }))).toBe('too old');
  expect(became(event({ waits: true }))).toBe('waits to be looked at');
  expect(became(event({}))).toBe('started nothing');
  expect(deliveriesOf([event({}), event({ source: 'other' })], 'forge')).toHaveLength(1);
});
