/** Pages that come in files of their own. */
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Matched } from '../components/places';
import { Skeleton } from '../components/parts';

export type Page = ComponentType<{ params: Matched }> & {
  /** Lets its file come before it is gone to. */
  foresee?: () => void;
};

export function lazy(load: () => Promise<Page>): Page {
  let loaded: Page | undefined;
  let coming: Promise<Page> | undefined;
  const come = (): Promise<Page> => {
    coming ??= load().then(
      (page) => (loaded = page),
      (error: unknown) => {
        // Asked for again by the next who wants it.
        coming = undefined;
        throw error;
      },
    );
    return coming;
  };
  function Later(props: { params: Matched }) {
    const [Shown, show] = useState<Page | undefined>(() => loaded);
    const [failed, fail] = useState(false);
    useEffect(() => {
      if (!Shown) come().then((page) => show(() => page), () => fail(true));
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
  }
  return Object.assign(Later, { foresee: () => void come().catch(() => undefined) });
}
