/** The one filter line above a list: in the address, and reached by `/`. */
import { query, setQuery } from './location';

export function SearchLine({ label, hint }: { label: string; hint: string }) {
  const text = query.value.get('q') ?? '';
  return (
    <>
      <input
        type="search"
        aria-label={label}
        placeholder={hint}
        value={text}
        data-filter
        onInput={(event) => setQuery({ q: event.currentTarget.value || undefined })}
      />
      {text ? (
        <button type="button" class="button quiet" onClick={() => setQuery({ q: undefined })}>
          Clear
        </button>
      ) : null}
    </>
  );
}
