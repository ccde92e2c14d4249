/** `/audit`: who did what, and the proof that nobody changed it since. */
import { useEffect, useState } from 'preact/hooks';
import { get, refusal } from '../../api/client';
import type { AuditEntry } from '../../api/types';
import { parseFilter } from '../../components/filter';
import { useLoad } from '../../components/load';
import { query } from '../../components/location';
import { markUseful } from '../../components/marks';
import { Button, Empty, PageHead, Skeleton, Time, Trouble } from '../../components/parts';
import { runPlace } from '../../components/places';
import { SearchLine } from '../../components/searchline';
import { thousands } from '../../components/text';
import { tell } from '../../components/toast';
import { missing } from '../../components/who';

/** What the server filters by. */
export function asked(text: string): { by?: string; run?: string; action?: string } {
  const { by, run, action } = parseFilter(text).keys;
  return { ...(by?.[0] ? { by: by[0] } : {}), ...(run?.[0] ? { run: run[0] } : {}), ...(action?.[0] ? { action: action[0] } : {}) };
}

/** So many at most: what is more is for the command line. */
const EXPORTED = 100_000;

function download(text: string, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text, '\n'], { type: 'application/x-ndjson' }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

export function Audit() {
  const text = query.value.get('q') ?? '';
  const filter = asked(text);
  const key = JSON.stringify(filter);
  const why = missing('audit');
  const list = useLoad(why ? undefined : key, () => get('/api/audit', { query: { ...filter, limit: 200 } }));
  const [more, setMore] = useState<{ key: string; rows: AuditEntry[]; next: string | null | undefined } | undefined>(undefined);
  const [proof, setProof] = useState('');
  useEffect(() => {
    if (list.value) markUseful();
  }, [list.value]);
  const further = more?.key === key ? more : undefined;
  const rows = [...(list.value?.data ?? []), ...(further?.rows ?? [])];
  const next = further ? further.next : list.value?.next;
  const verify = async () => {
    try {
      const found = await get('/api/audit/verify');
      setProof(`Chain is whole: ${thousands(found.events)} events of ${thousands(found.runs)} runs, head ${found.head.slice(0, 12)}`);
    } catch (error) {
      setProof('');
      tell(refusal(error).message, 'trouble');
    }
  };
  const load = async () => {
    const page = await get('/api/audit', { query: { ...filter, limit: 200, after: next ?? '' } });
    setMore({ key, rows: [...(further?.rows ?? []), ...page.data], next: page.next });
  };
  const save = async () => {
    try {
      const all: AuditEntry[] = [];
      let after: string | undefined;
      do {
        const page = await get('/api/audit', { query: { ...filter, limit: 1000, ...(after ? { after } : {}) } });
        all.push(...page.data);
        after = page.next ?? undefined;
      } while (after !== undefined && all.length < EXPORTED);
      download(all.map((one) => JSON.stringify(one)).join('\n'), 'audit.ndjson');
      tell(after === undefined ? `${thousands(all.length)} entries are exported.` : `The newest ${thousands(all.length)} are exported; the rest by \`orchestrate audit list\`.`);
    } catch (error) {
      tell(refusal(error).message, 'trouble');
    }
  };
  if (why) return <Empty>{why}</Empty>;
  return (
    <>
      <PageHead title="Audit">
        {proof ? <span class="success small">{proof}</span> : null}
        <Button act={save} title="All that the filter shows, one JSON object a line">
          Export
        </Button>
        <Button act={verify}>Verify chain</Button>
      </PageHead>
      <div class="filter">
        <SearchLine label="Filter audit" hint="Filter: by:ana run:nightly#3 action:gate.voted" />
      </div>
      {list.refused ? <Trouble refusal={list.refused} again={list.again} /> : null}
      {!list.value && !list.refused ? <Skeleton rows={10} /> : null}
      {list.value && rows.length === 0 ? <Empty>Nothing fits.</Empty> : null}
      {rows.length > 0 ? (
        <div class="scroll-x">
          <table class="stack">
            <thead>
              <tr>
                <th>When</th>
                <th>Who</th>
                <th>Action</th>
                <th>Of</th>
                <th>What</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((one) => (
                <tr key={one.hash} data-seq={one.seq}>
                  <td class="soft num">
                    <Time at={one.at} />
                  </td>
                  <td>
                    <strong>{one.by}</strong>
                  </td>
                  <td class="mono">{one.action}</td>
                  <td class="num">
                    {one.run ? (
                      <a href={runPlace(one.run, one.stage ? { stage: one.stage } : {})}>
                        {one.run} {one.stage ? <span class="soft">{one.stage}</span> : null}
                      </a>
                    ) : null}
                  </td>
                  <td class="wrap" title={one.says}>
                    {one.says.replace(/\b[0-9a-f]{64}\b/g, (digest) => digest.slice(0, 12))}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : null}
      {next ? <Button act={load}>Show more</Button> : null}
    </>
  );
}
