/** What is kept, and what would go by the rules. */
import { useState } from 'preact/hooks';
import { get, post } from '../../api/client';
import { Dialog } from '../../components/dialog';
import { useLoad } from '../../components/load';
import { Button, Empty, Section, Skeleton, Trouble } from '../../components/parts';
import { bytes, thousands } from '../../components/text';
import { tell, attempt } from '../../components/toast';
import { missing } from '../../components/who';

const WORDS: Record<string, string> = {
  runs: 'Events of runs that ended',
  output: 'Captured output of runs that ended',
  workspaces: 'Workspaces of runs that ended',
  events: 'What events from outside said',
  notices: 'Notices that were delivered or given up',
  artifacts: 'Content of artifacts',
};

export function Retention() {
  const list = useLoad('retention', () => get('/api/retention'));
  const rules = useLoad('config', () => get('/api/config'));
  const [asking, setAsking] = useState(false);
  if (list.refused) return <Trouble refusal={list.refused} again={list.again} />;
  if (!list.value) return <Skeleton rows={3} />;
  const { items, problems } = list.value;
  const set = (rules.value?.data ?? []).filter((one) => /^(retention|artifacts)\./.test(one.name));
  const some = items.some((one) => one.count > 0);
  const go = async () => {
    const done = await attempt(async () => {
      const found = await post('/api/retention');
      tell(`Let go: ${found.items.map((one) => `${thousands(one.count)} ${one.kind}`).join(', ') || 'nothing'}.`);
    });
    if (done) {
      setAsking(false);
      list.again();
    }
  };
  return (
    <>
      {items.length === 0 ? (
        <Empty command={'retention: {output_days: 90}'}>Everything is kept: there are no rules below retention: in config.yaml.</Empty>
      ) : (
        <Section
          title="Would go now"
          aside={
            <Button act={() => setAsking(true)} why={missing('maintain') ?? (some ? undefined : 'Nothing is old enough.')}>
              Let it go now
            </Button>
          }
        >
          <ul class="rows">
            {items.map((one) => (
              <li key={one.kind}>
                <span class="grow">{WORDS[one.kind] ?? one.kind}</span>
                <span class="soft num">
                  {thousands(one.count)}
                  {one.bytes > 0 ? `, ${bytes(one.bytes)}` : ''}
                </span>
              </li>
            ))}
          </ul>
          <p class="soft small">It happens by itself every hour.</p>
        </Section>
      )}
      {problems.map((one) => (
        <p key={one} class="failed small">
          {one}
        </p>
      ))}
      {set.length > 0 ? (
        <Section title="Rules">
          <ul class="rows">
            {set.map((one) => (
              <li key={one.name}>
                <code>{one.name}</code>
                <span class="grow soft hide-narrow">{one.doc}</span>
                <span class="num">{one.value ?? <span class="soft">not set</span>}</span>
              </li>
            ))}
          </ul>
        </Section>
      ) : null}
      {asking ? (
        <Dialog title="Let it go now?" close={() => setAsking(false)}>
          <p>{items.map((one) => `${thousands(one.count)} of: ${WORDS[one.kind] ?? one.kind}`).join('; ')}. It cannot be had back.</p>
          <div class="dialog-actions">
            <Button act={() => setAsking(false)}>Keep it</Button>
            <Button kind="danger" act={go}>
              Let it go
            </Button>
          </div>
        </Dialog>
      ) : null}
    </>
  );
}
