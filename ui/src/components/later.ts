/** What is done a moment after it was wished, unless it is taken back before that. */
import { signal } from '@preact/signals';
import { dismiss, tell } from './toast';

/** Wishes that were not carried out yet: leaving the page now would lose them. */
export const pending = signal(0);

const WAIT = 5000;

/** Says what will be done, with `Undo` beside it; does it when nobody took it back. */
export function soon(text: string, work: () => unknown): void {
  pending.value += 1;
  let over = false;
  const end = () => {
    over = true;
    pending.value -= 1;
    clearTimeout(timer);
    dismiss(toast);
  };
  const timer = setTimeout(() => {
    end();
    void work();
  }, WAIT);
  const toast = tell(text, 'note', [], {
    label: 'Undo',
    act: () => {
      if (over) return;
      end();
      tell('Nothing was sent.');
    },
  });
}
