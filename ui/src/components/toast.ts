/** Short words about what was done or refused. */
import { signal } from '@preact/signals';
import { refusal } from '../api/client';

export interface Toast {
  id: number;
  text: string;
  hints: string[];
  kind: 'note' | 'trouble';
  /** A button on it; then it stays until it is taken away. */
  action?: { label: string; act: () => void };
}

export const toasts = signal<Toast[]>([]);
let last = 0;

export function tell(text: string, kind: Toast['kind'] = 'note', hints: string[] = [], action?: Toast['action']): number {
  const id = (last += 1);
  toasts.value = [...toasts.value.slice(-3), { id, text, kind, hints, ...(action ? { action } : {}) }];
  if (!action) setTimeout(() => dismiss(id), kind === 'trouble' ? 12_000 : 5000);
  return id;
}

export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

/** Does it, and says why not where it was refused. `false`: it was. */
export async function attempt(work: () => Promise<unknown>, done?: string): Promise<boolean> {
  try {
    await work();
    if (done) tell(done);
    return true;
  } catch (error) {
    const refused = refusal(error);
    tell(refused.message, 'trouble', refused.hints);
    return false;
  }
}
