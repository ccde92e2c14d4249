import { expect, test } from 'vitest';
import { crumbs } from './crumbs';

const labels = (path: string) => crumbs(path).map((crumb) => `${crumb.label} ${crumb.href}`);

test('a page is at the end of the way to it', () => {
  expect(labels('/')).toEqual(['Now /']);
  expect(labels('/runs/nightly/3')).toEqual(['Runs /runs', 'nightly /pipelines/nightly/runs', '#3 /runs/nightly/3']);
  expect(labels('/fleet/workers/gpu-a')).toEqual(['Fleet /fleet', 'workers /fleet/workers', 'gpu-a /fleet/workers/gpu-a']);
  expect(labels('/pipelines/a%20b/versions/1..2')).toEqual(['Pipelines /pipelines', 'a b /pipelines/a%20b', 'versions 1..2 /pipelines/a%20b/versions/1..2']);
});

test('from nowhere there is a way home, and none to what is not there', () => {
  for (const path of ['/nothing/here', '/experiments', '/constructor']) expect(labels(path)).toEqual(['Now /', `${path.slice(1)} ${path}`]);
});
