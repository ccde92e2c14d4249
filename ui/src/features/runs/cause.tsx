/** Why a run failed, before everything else. */
import { useEffect, useRef } from 'preact/hooks';
import { post } from '../../api/client';
import type { RunDetail } from '../../api/types';
import { Button, Glyph } from '../../components/parts';
import { attempt } from '../../components/toast';
import { missing } from '../../components/who';
import { plain } from './log/ansi';
import { causeOf } from './model';

/** `shown`: the stage whose log is open already. */
export function CauseCard({ run, reference, open, shown }: { run: RunDetail; reference: string; open: (stage: string) => void; shown: string | undefined }) {
  const cause = causeOf(run);
  if (!cause) return null;
  const { stage, attempt: last, message, tail, notRun } = cause;
  const lines = tail.trimEnd().split('\n').slice(-20).map(plain).join('\n');
  return (
    <section class="cause" aria-label="Cause" data-stage={stage.name} data-status={stage.status}>
      <div class="line">
        <Glyph status="failed" />
        <strong>{stage.name}</strong>
        {last ? (
          <span class="soft">
            attempt {last.number} of {stage.max_attempts}
          </span>
        ) : null}
        <span class="failed">{message}</span>
        <span class="rest" />
        <Button act={() => attempt(() => post('/api/runs/{run}/retry', { path: { run: reference }, body: { from: stage.name } }))} why={missing('run')}>
          Retry from {stage.stage}
        </Button>
        <Button act={() => open(stage.name)}>Open log</Button>
      </div>
      {lines && shown !== stage.name ? <Tail lines={lines} /> : null}
      {notRun.length > 0 ? (
        <p class="small">
          <span class="soft">Not run because of it: </span>
          {notRun.slice(0, 12).join(', ')}
          {notRun.length > 12 ? ` and ${notRun.length - 12} more` : ''}
        </p>
      ) : null}
    </section>
  );
}

/** Its end is what matters. */
function Tail({ lines }: { lines: string }) {
  const box = useRef<HTMLPreElement>(null);
  useEffect(() => {
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines]);
  return (
    <pre ref={box} tabIndex={0} aria-label="Last lines">
      {lines}
    </pre>
  );
}
