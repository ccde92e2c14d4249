/** Fields as people fill them in. What the server says of a field stands beside it. */
import { useState } from 'preact/hooks';
import { problemOf } from '../api/client';
import { uploaded, type FormField } from './fields';
import { bytes } from './text';
import { tell } from './toast';

export interface FormProps {
  fields: readonly FormField[];
  typed: Record<string, string | boolean>;
  problems: Record<string, string>;
  change: (name: string, value: string | boolean) => void;
}

/** `true` while the first wrong field was given the focus. */
export function focusFirst(form: HTMLElement | null, problems: Record<string, string>): void {
  const first = Object.keys(problems)[0];
  const field = first === undefined ? null : form?.querySelector<HTMLElement>(`[name="${CSS.escape(first)}"]`);
  field?.focus();
}

export function Fields({ fields, typed, problems, change }: FormProps) {
  return (
    <div class="fields">
      {fields.map((field) => (
        <Field key={field.name} field={field} value={typed[field.name] ?? ''} problem={problems[field.name]} change={(value) => change(field.name, value)} />
      ))}
    </div>
  );
}

interface FieldProps {
  field: FormField;
  value: string | boolean;
  problem: string | undefined;
  change: (value: string | boolean) => void;
}

function Field({ field, value, problem, change }: FieldProps) {
  const id = `field-${field.name}`;
  const described = `${id}-help`;
  const same = {
    id,
    name: field.name,
    'aria-describedby': described,
    'aria-invalid': problem ? ('true' as const) : undefined,
    'aria-required': field.required,
  };
  const text = typeof value === 'string' ? value : '';
  const typing = (event: { currentTarget: { value: string } }) => change(event.currentTarget.value);
  return (
    <div class="field">
      {field.kind === 'boolean' ? (
        <label class="check" for={id}>
          <input {...same} type="checkbox" checked={value === true} onChange={(event) => change(event.currentTarget.checked)} />
          <strong>{field.label}</strong>
        </label>
      ) : (
        <label for={id}>
          {field.label}
          {field.required ? <span class="kind"> needed</span> : null}
          {field.kind === 'json' ? <span class="kind"> JSON</span> : null}
        </label>
      )}
      {field.kind === 'select' ? (
        <select {...same} value={text} onChange={typing}>
          {field.required && text !== '' ? null : <option value="">-</option>}
          {field.options.map((option) => (
            <option key={option} value={option}>
              {option}
            </option>
          ))}
        </select>
      ) : field.kind === 'multiline_text' || field.kind === 'json' ? (
        <textarea {...same} rows={field.kind === 'json' ? 3 : 5} value={text} onInput={typing} class={field.kind === 'json' ? 'mono' : ''} />
      ) : field.kind === 'file' ? (
        <Upload {...same} value={text} change={change} />
      ) : field.kind === 'boolean' ? null : field.kind === 'date' ? (
        <input {...same} type="date" value={text} onInput={typing} />
      ) : (
        <input {...same} type="text" inputMode={field.kind === 'number' ? 'decimal' : 'text'} value={text} onInput={typing} autocomplete="off" />
      )}
      <div id={described}>
        {problem ? <p class="problem">{problem}</p> : null}
        {field.help ? <p class="soft small">{field.help}</p> : null}
      </div>
    </div>
  );
}

/** Its value is what the server said of the file: name, digest, size. */
function Upload({ value, change, ...same }: { value: string; change: (value: string) => void; id: string; name: string }) {
  const [state, setState] = useState<{ name: string; share: number; size: number } | undefined>(undefined);
  const kept = uploaded(value);
  const take = (file: File | undefined) => {
    if (!file) return;
    const request = new XMLHttpRequest();
    request.open('POST', `/api/uploads?name=${encodeURIComponent(file.name)}`);
    request.setRequestHeader('content-type', 'application/octet-stream');
    setState({ name: file.name, share: 0, size: file.size });
    request.upload.onprogress = (event) => setState({ name: file.name, share: event.loaded / Math.max(1, event.total), size: file.size });
    request.onload = () => {
      if (request.status === 201) {
        setState({ name: file.name, share: 1, size: file.size });
        change(request.responseText);
        return;
      }
      setState(undefined);
      const headers = { 'content-type': request.getResponseHeader('content-type') ?? '' };
      void problemOf(new Response(request.responseText, { status: request.status, headers })).then((refused) => tell(refused.message, 'trouble', refused.hints));
    };
    request.onerror = () => {
      setState(undefined);
      tell('The upload broke off.', 'trouble');
    };
    request.send(file);
  };
  return (
    <div class="upload">
      <input {...same} type="file" onChange={(event) => take(event.currentTarget.files?.[0])} />
      {state && state.share < 1 ? <progress value={state.share} max={1} aria-label={`Uploading ${state.name}`} /> : null}
      {kept ? (
        <p class="soft small">
          {kept.name}, {bytes(kept.bytes)}, <code>{kept.digest.slice(0, 12)}</code>{' '}
          <button type="button" class="button quiet" onClick={() => change('')}>
            Remove
          </button>
        </p>
      ) : null}
    </div>
  );
}
