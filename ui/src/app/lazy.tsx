/** Pages that come in files of their own. */
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Matched } from '../components/places';
import { Skeleton } from '../components/parts';

type Page = ComponentType<{ params: Matched }>;

export function lazy(load: () => Promise<Page>): Page {
  let loaded: Page | undefined;
  return function Later(props: { params: Matched }) {
    const [Shown, show] = useState<Page | undefined>(() => loaded);
    const [failed, fail] = useState(false);
    useEffect(() => {
      if (loaded) return;
      load().then(
        (page) => {
          loaded = page;
          show(() => page);
        },
        () => fail(true),
      );
    }, []);
    if (failed) {
      return (
        <div class="empty">
          <p>This part of the page could not be loaded. The server may have been replaced by a newer one.</p>
          <a href={location.pathname} target="_self">
            Load the page again
          </a>
        </div>
      );
    }
    return Shown ? <Shown {...props} /> : <Skeleton rows={6} />;
  };
}
