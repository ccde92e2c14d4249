/** The browser's tab carries name and shape of what is open. */
import { lookOf, SHAPES, type Part } from './status';

const COLORS = { success: '#0e8a5f', failed: '#d33a2f', running: '#1f74db', attention: '#c98a00', neutral: '#7b8492' } as const;
const TITLE = 'Orchestrate';

function icon(status: string): string {
  const { hue, shape } = lookOf(status);
  const color = COLORS[hue];
  const paths = (SHAPES[shape] as readonly Part[])
    .map(({ d, paint }) =>
      paint === 'fill'
        ? `<path d="${d}" fill="${color}"/>`
        : `<path d="${d}" fill="none" stroke="${paint === 'cut' ? '#fff' : color}" stroke-width="1.8" stroke-linecap="round"/>`,
    )
    .join('');
  return `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">${paths}</svg>`)}`;
}

/** Until it is called back. */
export function tabLook(name: string, status: string): () => void {
  const link = document.querySelector<HTMLLinkElement>('link[rel=icon]');
  const before = link?.href;
  if (link) link.href = icon(status);
  document.title = `${lookOf(status).word} · ${name}`;
  return () => {
    if (link && before !== undefined) link.href = before;
    document.title = TITLE;
  };
}
