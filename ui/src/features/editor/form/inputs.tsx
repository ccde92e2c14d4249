/** Inputs that write to a text only when somebody is done with them: each is one change. */
import { useEffect, useState } from 'preact/hooks';

interface TextProps {
  label: string;
  value: string;
  commit: (value: string) => void;
  rows?: number;
  mono?: boolean;
  hint?: string;
  readOnly?: boolean;
}

/** Written when it loses the focus, or on Enter where it has one line. */
export function Text({ label, value, commit, rows, mono, hint, readOnly }: TextProps) {
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  const done = () => {
    if (typed !== value) commit(typed);
  };
  const same = {
    value: typed,
    readOnly: readOnly ?? false,
    class: mono ? 'mono' : '',
    onInput: (event: { currentTarget: { value: string } }) => setTyped(event.currentTarget.value),
    onBlur: done,
    autocomplete: 'off',
  };
  return (
    <label class="field">
      <span class="label">{label}</span>
      {rows ? (
        <textarea {...same} rows={rows} spellcheck={!mono} />
      ) : (
        <input
          {...same}
          type="text"
          onKeyDown={(event) => {
            if (event.key === 'Enter' && !event.isComposing) done();
          }}
        />
      )}
      {hint ? <span class="soft small">{hint}</span> : null}
    </label>
  );
}

export function Check({ label, checked, commit }: { label: string; checked: boolean; commit: (checked: boolean) => void }) {
  return (
    <label class="check">
      <input type="checkbox" checked={checked} onChange={(event) => commit(event.currentTarget.checked)} /> {label}
    </label>
  );
}

interface ChooseProps<T extends string> {
  label: string;
  value: T;
  options: readonly { value: T; label: string }[];
  commit: (value: T) => void;
}

export function Choose<T extends string>({ label, value, options, commit }: ChooseProps<T>) {
  return (
    <label class="field">
      <span class="label">{label}</span>
      <select value={value} onChange={(event) => commit(event.currentTarget.value as T)}>
        {options.some((one) => one.value === value) ? null : <option value={value}>{value}</option>}
        {options.map((one) => (
          <option key={one.value} value={one.value}>
            {one.label}
          </option>
        ))}
      </select>
    </label>
  );
}
