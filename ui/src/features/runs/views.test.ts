import { describe, expect, test } from 'vitest';
import { parsed, toggled } from './views';

describe('kept filters', () => {
  test('are kept once, and forgotten when asked again', () => {
    expect(toggled([], ' by:ana ')).toEqual(['by:ana']);
    expect(toggled(['by:ana', 'status:failed'], 'by:ana')).toEqual(['status:failed']);
    expect(toggled(['by:ana'], '  ')).toEqual(['by:ana']);
    const many = Array.from({ length: 12 }, (_, at) => `task:${at}`);
    expect(toggled(many, 'by:bo')).toEqual([...many.slice(1), 'by:bo']);
  });

  test('that somebody broke count as none', () => {
    expect(parsed(null)).toEqual([]);
    expect(parsed('{"a": 1}')).toEqual([]);
    expect(parsed('[1, "", "by:ana"]')).toEqual(['by:ana']);
    expect(parsed('nonsense')).toEqual([]);
  });
});
