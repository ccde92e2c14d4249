/** A command to take along. */
import { Button } from './parts';
import { tell } from './toast';

export function Copy({ text }: { text: string }) {
  const copy = async () => {
    // Browsers lend the clipboard only by TLS, and on their own machine.
    if (navigator.clipboard === undefined) tell('This browser gives the clipboard only to pages by TLS: mark the text and copy it.');
    else {
      await navigator.clipboard.writeText(text);
      tell('Copied.');
    }
  };
  return (
    <span class="copy">
      <code>{text}</code>
      <Button act={copy} aria-label={`Copy: ${text}`}>
        Copy
      </Button>
    </span>
  );
}
