/** What stands beside the text: the graph that it makes, what is wrong with it, what a key is for. */
import { useMemo } from 'preact/hooks';
import type { Diagnostic } from '../../api/types';
import { GraphCanvas } from '../../components/graph/canvas';
import { sceneOf } from '../../components/graph/scene';
import { Button, Glyph, Section } from '../../components/parts';
import { count } from '../../components/text';
import type { Checked } from './checked';
import { proposal } from './model';

export function DraftGraph({ checked, stage, choose }: { checked: Checked; stage: string | undefined; choose: (stage: string) => void }) {
  const { graph, current } = checked;
  const scene = useMemo(() => (graph ? sceneOf(graph) : undefined), [graph]);
  return (
    <Section
      title="Graph"
      aside={graph ? <span class={current ? 'soft small' : 'attention small'}>{current ? count(graph.nodes.length, 'stage') : 'from the last valid version'}</span> : null}
    >
      {scene && scene.nodes.length > 0 ? (
        <div class={`graph-frame draft-graph${current ? '' : ' old'}`}>
          <GraphCanvas scene={scene} chosen={stage} choose={(name) => name && choose(name)} />
        </div>
      ) : (
        <p class="empty small">It is drawn as soon as the text is valid.</p>
      )}
    </Section>
  );
}

interface ChecksProps {
  checked: Checked;
  goTo: (one: Diagnostic) => void;
  fix: (one: Diagnostic) => void;
}

export function Checks({ checked, goTo, fix }: ChecksProps) {
  const { diagnostics, valid } = checked;
  return (
    <Section title="Checks" count={diagnostics.length > 0 ? diagnostics.length : undefined}>
      {valid ? (
        <p class="empty small">
          <span>
            <Glyph status="succeeded" /> It is valid.
          </span>
        </p>
      ) : null}
      {diagnostics.length === 0 ? null : (
        <ul class="diagnostics" aria-label="Diagnostics">
          {diagnostics.map((one, at) => (
            <Found key={at} one={one} goTo={goTo} fix={fix} />
          ))}
        </ul>
      )}
    </Section>
  );
}

function Found({ one, goTo, fix }: { one: Diagnostic; goTo: (one: Diagnostic) => void; fix: (one: Diagnostic) => void }) {
  const start = one.spans[0]?.start;
  const instead = proposal(one);
  return (
    <li data-line={start?.line}>
      <button type="button" class="linkish" onClick={() => goTo(one)}>
        <span class={one.severity === 'error' ? 'failed' : 'attention'}>
          {one.severity}[{one.code}]
        </span>{' '}
        {one.message}
      </button>
      <span class="soft small num">{start ? `${start.line}:${start.col}` : ''}</span>{' '}
      {one.help ? <span class="soft small">{one.help}</span> : null}
      {instead === undefined ? null : (
        <div>
          <Button act={() => fix(one)}>Fix: {instead}</Button>
        </div>
      )}
    </li>
  );
}
