/** The last runs as bars: height is the time they took, colour and form how they ended. */
import { useEffect, useRef } from 'preact/hooks';
import { lookOf, type Hue } from './status';
import { duration } from './text';
import { ink, useRepaint } from './ink';

export interface SparkBar {
  status: string;
  ms: number | undefined;
}

const WIDTH = 162;
const HEIGHT = 22;
const STEP = 8;

/** Heights in pixels: the longest fills the line, and none vanishes. Pure. */
export function heights(bars: readonly SparkBar[], most = HEIGHT - 2): number[] {
  const longest = Math.max(1, ...bars.map((bar) => bar.ms ?? 0));
  return bars.map((bar) => (bar.ms === undefined ? 6 : Math.max(5, Math.round(Math.sqrt(bar.ms / longest) * most))));
}

export function Spark({ bars }: { bars: readonly SparkBar[] }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = useRepaint();
  const key = bars.map((bar) => `${bar.status}${bar.ms ?? ''}`).join();
  useEffect(() => {
    const element = canvas.current;
    const pen = element?.getContext('2d');
    if (!element || !pen) return;
    const scale = devicePixelRatio || 1;
    element.width = WIDTH * scale;
    element.height = HEIGHT * scale;
    pen.scale(scale, scale);
    for (const [at, height] of heights(bars).entries()) draw(pen, bars[at]?.status ?? '', at * STEP, height);
  }, [key, theme]);
  const counts = new Map<string, number>();
  for (const bar of bars) {
    const { word } = lookOf(bar.status);
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const label = [...counts].map(([word, count]) => `${count} ${word}`).join(', ');
  const last = bars.at(-1);
  const title = last?.ms === undefined ? label : `${label}; last took ${duration(last.ms)}`;
  return <canvas ref={canvas} class="spark" role="img" aria-label={label || 'no runs'} title={title} />;
}

/** A notch for what failed, a gap for what waits: the colour is not alone. */
function draw(pen: CanvasRenderingContext2D, status: string, x: number, height: number): void {
  const { hue } = lookOf(status) as { hue: Hue };
  const y = HEIGHT - height;
  pen.fillStyle = ink(hue);
  if (hue === 'neutral' || hue === 'running') {
    pen.strokeStyle = ink(hue);
    pen.lineWidth = 1.2;
    pen.strokeRect(x + 1.1, y + 0.6, 3.8, height - 1.2);
    return;
  }
  pen.fillRect(x, y, 6, height);
  pen.fillStyle = ink('surface');
  if (hue === 'failed') {
    pen.fillRect(x, HEIGHT - 4, 6, 1.5);
  } else if (hue === 'attention') {
    // Its foot stays whole: cut through, it would count as two.
    pen.fillRect(x + 2.25, y, 1.5, height - 2.5);
  }
}
