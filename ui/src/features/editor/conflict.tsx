/** Somebody else saved meanwhile: what both did to the text, and what becomes of it. */
import { useMemo, useState } from 'preact/hooks';
import { Dialog } from '../../components/dialog';
import { Button } from '../../components/parts';
import { count } from '../../components/text';
import type { Base } from './draft';
import { conflicts, merged, resolved, type Hunk, type Side } from './merge';

interface Props {
  base: Base;
  theirs: Base;
  mine: string;
  close: () => void;
  /** Save mine, whatever they wrote. */
  overwrite: () => unknown;
  /** Go on with this text, of their revision. */
  take: (text: string) => void;
}

const SHOWN = 3;

export function Conflict({ base, theirs, mine, close, overwrite, take }: Props) {
  const hunks = useMemo(() => merged(base.text, mine, theirs.text), [base.text, mine, theirs.text]);
  const [chosen, choose] = useState<ReadonlyMap<number, Side>>(new Map());
  const open = conflicts(hunks);
  const left = hunks.filter((hunk, at) => hunk.by === 'conflict' && !chosen.has(at)).length;
  return (
    <Dialog title={`Somebody saved r${theirs.revision} meanwhile`} close={close} wide>
      <p>
        You began with r{base.revision}. {open === 0 ? 'Both changed different lines: they fit together as they are shown here.' : `Both changed the same lines in ${count(open, 'place')}: choose in each.`} Nothing is lost until you save.
      </p>
      <div class="merge code" tabIndex={0} role="group" aria-label="Both texts made one">
        {hunks.map((hunk, at) => (
          <Part
            key={at}
            hunk={hunk}
            side={chosen.get(at)}
            choose={(side) => choose(new Map(chosen).set(at, side))}
          />
        ))}
      </div>
      <div class="dialog-actions">
        <Button act={close}>Go on writing</Button>
        <Button act={() => take(theirs.text)}>Take theirs</Button>
        <Button kind="danger" act={overwrite}>
          Save mine over it
        </Button>
        <Button kind="primary" act={() => take(resolved(hunks, chosen))} why={left > 0 ? `Choose in ${count(left, 'more place')}.` : undefined}>
          Take both together
        </Button>
      </div>
    </Dialog>
  );
}

function Part({ hunk, side, choose }: { hunk: Hunk; side: Side | undefined; choose: (side: Side) => void }) {
  switch (hunk.by) {
    case 'nobody':
      return <Same lines={hunk.base} />;
    case 'both':
      return <Changed who="both alike" base={hunk.base} lines={hunk.mine} />;
    case 'mine':
      return <Changed who="yours" base={hunk.base} lines={hunk.mine} />;
    case 'theirs':
      return <Changed who="theirs" base={hunk.base} lines={hunk.theirs} />;
    case 'conflict':
      return (
        <fieldset class="conflict">
          <legend>The same lines, two ways</legend>
          <Choice name="Yours" lines={hunk.mine} taken={side === 'mine'} choose={() => choose('mine')} />
          <Choice name="Theirs" lines={hunk.theirs} taken={side === 'theirs'} choose={() => choose('theirs')} />
        </fieldset>
      );
  }
}

function Same({ lines }: { lines: readonly string[] }) {
  if (lines.length <= 2 * SHOWN + 1) return <Lines sign=" " lines={lines} />;
  return (
    <>
      <Lines sign=" " lines={lines.slice(0, SHOWN)} />
      <span class="part">{`  ${lines.length - 2 * SHOWN} equal lines`}</span>
      <Lines sign=" " lines={lines.slice(-SHOWN)} />
    </>
  );
}

function Changed({ who, base, lines }: { who: string; base: readonly string[]; lines: readonly string[] }) {
  return (
    <div class="changed" data-by={who}>
      <span class="by">{who}</span>
      <Lines sign="-" lines={base} />
      <Lines sign="+" lines={lines} />
    </div>
  );
}

function Choice({ name, lines, taken, choose }: { name: string; lines: readonly string[]; taken: boolean; choose: () => void }) {
  return (
    <div class={`choice${taken ? ' taken' : ''}`}>
      <button type="button" class="button plain" aria-pressed={taken} onClick={choose}>
        {name}
      </button>
      {lines.length === 0 ? <span class="part">  (these lines go)</span> : <Lines sign={taken ? '+' : ' '} lines={lines} />}
    </div>
  );
}

const KIND = { '+': 'plus', '-': 'minus', ' ': '' } as const;

function Lines({ sign, lines }: { sign: keyof typeof KIND; lines: readonly string[] }) {
  return (
    <>
      {lines.map((line, at) => (
        <span key={at} class={KIND[sign]}>
          {sign} {line || ' '}
        </span>
      ))}
    </>
  );
}
