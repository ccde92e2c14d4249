import { describe, expect, test } from 'vitest';
import type { TaskView } from '../../api/types';
import { board, columnOf, move, shortName, startButton, startRefusal, stopRefusal } from './model';

function task(id: string, derived: string, more: Partial<TaskView> = {}): TaskView {
  return { id, version: 1, title: id, pipeline: 'p', priority: 0, on_active: 'replace', active: [], created_at: id, status: { wanted: 'todo', derived, says: '', blocked_by: [] }, ...more } as TaskView;
}

const blocked = { status: { wanted: 'todo', derived: 'todo', says: '', blocked_by: ['T-1'] } };

describe('the board', () => {
  test('never shows what failed among what is done', () => {
    expect(columnOf(task('a', 'failed'))).toBe('review');
    expect(columnOf(task('a', 'waiting'))).toBe('review');
    expect(columnOf(task('a', 'done'))).toBe('done');
    expect(columnOf(task('a', 'paused'))).toBe('running');
    expect(columnOf(task('a', 'todo'))).toBe('ready');
    expect(columnOf(task('a', 'todo', { pipeline: null }))).toBe('todo');
    expect(columnOf(task('a', 'todo', blocked))).toBe('blocked');
  });

  test('has the more urgent at the top', () => {
    const ready = board([task('1', 'todo'), task('2', 'todo', { priority: 5 }), task('3', 'todo')]).ready;
    expect(ready.map((one) => one.id)).toEqual(['2', '1', '3']);
  });

  test('moves only where a hand can', () => {
    expect(move(task('a', 'todo'), 'running')).toEqual({ kind: 'start' });
    expect(move(task('a', 'todo', blocked), 'running')).toMatchObject({ kind: 'refused', why: 'It waits for T-1.' });
    expect(move(task('a', 'running'), 'done')).toEqual({ kind: 'set', status: 'done' });
    expect(move(task('a', 'todo'), 'review')).toMatchObject({ kind: 'refused' });
    expect(move(task('a', 'todo'), 'ready')).toEqual({ kind: 'refused', why: '' });
  });
});

test('Start and Stop say why not', () => {
  const active = task('a', 'running', { active: ['a-3'] });
  expect(startButton(active)).toContain('a-3');
  expect(startRefusal(active)).toBeUndefined();
  expect(startRefusal({ ...active, on_active: 'reject' })).toContain('a-3');
  expect(startButton(task('a', 'todo', { pipeline: null }))).toContain('no pipeline');
  expect(stopRefusal(active)).toBeUndefined();
  expect(stopRefusal(task('a', 'todo'))).toBeDefined();
  expect(shortName({ name: 'TASK-7-3', task: 'TASK-7' } as never)).toBe('-3');
});
