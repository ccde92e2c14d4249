/** The form builder: what people are asked, in which order. */
import { useState } from 'preact/hooks';
import { Button } from '../../../components/parts';
import { tell } from '../../../components/toast';
import { Check, Choose, Text } from './inputs';
import { fieldsOf, KINDS, movedField, newField, renamedField, typedDefault, withField, withoutField, type FieldForm } from './outline';
import { Sortable } from './sortable';

interface Props {
  text: string;
  /** To the form within the text. */
  path: readonly (string | number)[];
  form: unknown;
  put: (text: string | undefined) => void;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

export function FormFields({ text, path, form, put }: Props) {
  const fields = fieldsOf(form);
  const [open, setOpen] = useState<string | undefined>(undefined);
  return (
    <div class="form-fields">
      <span class="label">Fields</span>
      {fields.length === 0 ? <p class="soft small">It asks for nothing yet: people only say that it is done.</p> : null}
      <Sortable
        label="Fields"
        names={fields.map((field) => field.name)}
        chosen={open}
        move={(from, to) => put(movedField(text, path, from, to))}
        row={(at) => {
          const field = fields[at];
          if (!field) return null;
          return (
            <Row
              field={field}
              open={open === field.name}
              toggle={() => setOpen(open === field.name ? undefined : field.name)}
              rule={(key, value) => put(withField(text, path, field, key, value))}
              rename={(to) => {
                if (!NAME.test(to) || fields.some((other) => other.name === to)) {
                  tell(`\`${to}\` cannot be its name: 1 to 64 of a-z A-Z 0-9 _ -, and only once.`, 'trouble');
                  return;
                }
                setOpen(to);
                put(renamedField(text, path, field, to));
              }}
              remove={() => put(withoutField(text, path, field))}
            />
          );
        }}
      />
      <div>
        <Button act={() => put(newField(text, path, fields))}>Add a field</Button>
      </div>
    </div>
  );
}

interface RowProps {
  field: FieldForm;
  open: boolean;
  toggle: () => void;
  rule: (key: string, value: unknown) => void;
  rename: (to: string) => void;
  remove: () => void;
}

function Row({ field, open, toggle, rule, rename, remove }: RowProps) {
  const text = (key: string) => (value: string) => rule(key, value === '' ? undefined : value);
  return (
    <>
      <div class="sortable-line">
        <button type="button" class="linkish" data-control="open" aria-expanded={open} onClick={toggle}>
          {field.name}
        </button>
        <span class="soft small">
          {field.kind}
          {field.required ? ', needed' : ''}
        </span>
        <span class="rest" />
        <button type="button" class="mini" aria-label={`Delete field ${field.name}`} onClick={remove}>
          ×
        </button>
      </div>
      {open ? (
        <div class="field-grid">
          <Text label="Name" value={field.name} mono commit={rename} />
          <Choose label="Kind" value={field.kind} options={KINDS.map((kind) => ({ value: kind as string, label: kind }))} commit={(kind) => rule('type', kind)} />
          <Text label="Label" value={field.label} commit={text('label')} />
          <Text label="Help" value={field.help} commit={text('help')} />
          {field.kind === 'select' ? (
            <Text label="Options" value={field.options.join(', ')} hint="separated by commas" commit={(value) => rule('options', value.split(',').map((one) => one.trim()).filter(Boolean))} />
          ) : null}
          {field.kind === 'file' ? null : <Text label="Begins with" value={field.initial} commit={(value) => rule('default', typedDefault(field.kind, value))} />}
          <Check label="has to be answered" checked={field.required} commit={(needed) => rule('required', needed || undefined)} />
          {field.elsewhere.length > 0 ? <p class="soft small">Also set, in YAML: {field.elsewhere.join(', ')}</p> : null}
        </div>
      ) : null}
    </>
  );
}
