/** `/settings/rollout`: how much is really done, how tasks pass, who is busy, and whether more may be dared. */
import { get, remove } from '../../api/client';
import type { Busy, Draining, RolloutView } from '../../api/types';
import { useLoad } from '../../components/load';
import { Button, Empty, Glyph, Section, Skeleton, Status, Time, Trouble } from '../../components/parts';
import { attempt } from '../../components/toast';
import { missing } from '../../components/who';
import { useTopic } from '../../live/use';
import { BusyList } from './busy';
import { awaited } from './rollout.model';
import { SwitchForm } from './switch';

export function Rollout() {
  const live = useTopic('rollout');
  const view = live.value;
  if (!view) return live.phase === 'failed' ? <Empty>{live.says ?? 'This server knows no roll-outs.'}</Empty> : <Skeleton rows={8} />;
  return (
    <div data-mode={view.mode} data-orchestration={view.orchestration} data-seq={view.version}>
      {view.draining ? <Drains draining={view.draining} busy={view.busy} /> : null}
      <Section title="How it is">
        <dl class="figures">
          <div>
            <dt>Rollout</dt>
            <dd class="value">
              <Status status={view.mode} />
            </dd>
          </div>
          {view.mode === 'pilot' ? (
            <div>
              <dt>Tasks of the pilot</dt>
              <dd class="value mono wrap">{view.pilot_tasks.join(' ') || 'none'}</dd>
            </div>
          ) : null}
          <div>
            <dt>Tasks pass</dt>
            <dd class="value">{view.orchestration}</dd>
          </div>
          <div>
            <dt>Tasks at once</dt>
            <dd class="value num">{view.max_tasks ?? 'no limit'}</dd>
          </div>
          <Limits view={view} />
          <div>
            <dt>Switched</dt>
            <dd class="value">{view.switched_at ? <Switched view={view} /> : 'never'}</dd>
          </div>
        </dl>
      </Section>
      <Section title="Busy now" count={view.busy.length || undefined}>
        {view.busy.length === 0 ? <p class="empty small">Nobody: the modes can be switched.</p> : <BusyList busy={view.busy} />}
      </Section>
      <SwitchForm key={view.version} view={view} />
      <Check mode={view.mode} />
    </div>
  );
}

function Switched({ view }: { view: RolloutView }) {
  return (
    <>
      <Time at={view.switched_at} /> {view.switched_by ? <span class="soft">by {view.switched_by}</span> : null}
    </>
  );
}

function Limits({ view }: { view: RolloutView }) {
  const limits = Object.entries(view.wip);
  if (view.orchestration === 'sequential' || limits.length === 0) return null;
  return (
    <div>
      <dt>Attempts at once</dt>
      <dd class="value">{limits.map(([role, most]) => `${role} ${most}`).join(', ')}</dd>
    </div>
  );
}

function Drains({ draining, busy }: { draining: Draining; busy: readonly Busy[] }) {
  const giveUp = () => attempt(() => remove('/api/rollout/draining'), 'The switch is given up: everything goes on as before.');
  return (
    <div class="notice attention" role="status" data-draining>
      <Glyph status="draining" />
      <span class="grow">
        <strong>Waits to switch</strong> to {awaited(draining.to)} until nobody is busy ({busy.length} now). Nothing new begins meanwhile. By {draining.by}, <Time at={draining.since} />.
      </span>
      <Button act={giveUp} why={missing('maintain')}>
        Give up
      </Button>
    </div>
  );
}

/** Whether the next mode may be dared: each criterion with its figure. */
function Check({ mode }: { mode: string }) {
  const check = useLoad(`check ${mode}`, () => get('/api/rollout/check'));
  const of = check.value;
  return (
    <Section
      title="Check"
      aside={
        <Button kind="quiet" act={check.again}>
          Check again
        </Button>
      }
    >
      {check.refused ? <Trouble refusal={check.refused} again={check.again} /> : null}
      {of === undefined ? (
        check.refused ? null : (
          <Skeleton rows={3} />
        )
      ) : (
        <>
          <p class="says">
            <Glyph status={of.next === null || of.next === undefined || of.passed ? 'succeeded' : 'failed'} />{' '}
            {of.next ? of.passed ? `All of it holds: ${of.next} may be dared.` : `${of.next} is not to be dared yet.` : 'There is no bolder mode.'}
          </p>
          {of.criteria.length > 0 ? (
            <div class="scroll-x">
              <table class="stack">
                <thead>
                  <tr>
                    <th>Criterion</th>
                    <th>Holds</th>
                    <th>Measured</th>
                    <th>Needed</th>
                  </tr>
                </thead>
                <tbody>
                  {of.criteria.map((one) => (
                    <tr key={one.name} data-criterion={one.name} data-passed={one.passed}>
                      <td class="name">
                        <strong>{one.name}</strong>
                      </td>
                      <td>
                        <span class={`status ${one.passed ? 'success' : 'failed'}`}>
                          <Glyph status={one.passed ? 'succeeded' : 'failed'} /> {one.passed ? 'yes' : 'no'}
                        </span>
                      </td>
                      <td class="num">{one.figure}</td>
                      <td class="soft wrap">{one.needed}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          ) : null}
        </>
      )}
    </Section>
  );
}
