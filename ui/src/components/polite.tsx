/** Says a text to screen readers when it changes, at most once in five seconds. */
import { useEffect, useRef, useState } from 'preact/hooks';

const PAUSE = 5000;

export function Polite({ text }: { text: string }) {
  const [said, say] = useState('');
  const last = useRef(0);
  useEffect(() => {
    const wait = Math.max(0, last.current + PAUSE - performance.now());
    const timer = setTimeout(() => {
      last.current = performance.now();
      say(text);
    }, wait);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <p class="sr" aria-live="polite">
      {said}
    </p>
  );
}
