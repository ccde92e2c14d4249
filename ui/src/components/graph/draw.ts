/** Paints a scene. Only what is in sight, and only what can be read at this size. */
import { ink } from '../ink';
import { lookOf, SHAPES, type Part as Stroke } from '../status';
import { shortened } from '../text';
import { NODE, READABLE, ROOMY, type Scene, type SceneEdge, type SceneNode, type Size, type View } from './scene';

export interface Picture {
  scene: Scene;
  view: View;
  width: number;
  height: number;
  chosen: number | undefined;
  hovered: number | undefined;
  /** Everything else is faded. */
  focus: ReadonlySet<number> | undefined;
}

const paths = new Map<string, Path2D>();
function pathOf(d: string): Path2D {
  let found = paths.get(d);
  if (!found) {
    found = new Path2D(d);
    paths.set(d, found);
  }
  return found;
}

let fonts: { name: string; line: string } | undefined;
function fontsOf(): { name: string; line: string } {
  if (fonts) return fonts;
  const sans = getComputedStyle(document.documentElement).getPropertyValue('--sans').trim();
  fonts = { name: `600 12px ${sans}`, line: `11px ${sans}` };
  return fonts;
}

/** `before`: what stands there, when nothing but its place is another: then only what comes into sight is painted. */
export function paint(pen: CanvasRenderingContext2D, picture: Picture, scale: number, before?: Picture): void {
  const { width, height, view } = picture;
  const moved = before ? [(view.x - before.view.x) * scale, (view.y - before.view.y) * scale] : [];
  const [dx = 0, dy = 0] = moved.map(Math.round);
  // Between pixels it cannot be moved.
  if (moved.length === 0 || moved.some((by) => Math.abs(by - Math.round(by)) > 1e-6)) {
    part(pen, picture, scale, { x: 0, y: 0, width, height });
    return;
  }
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.globalCompositeOperation = 'copy';
  pen.drawImage(pen.canvas, dx, dy);
  pen.globalCompositeOperation = 'source-over';
  const [wide, tall] = [Math.min(width, Math.abs(dx) / scale), Math.min(height, Math.abs(dy) / scale)];
  if (wide > 0) part(pen, picture, scale, { x: dx > 0 ? 0 : width - wide, y: 0, width: wide, height });
  if (tall > 0) part(pen, picture, scale, { x: 0, y: dy > 0 ? 0 : height - tall, width, height: tall });
}

interface Rect extends Size {
  x: number;
  y: number;
}

/** What is to be seen in a part of the picture, in place of what stands there. */
function part(pen: CanvasRenderingContext2D, picture: Picture, scale: number, { x, y, width, height }: Rect): void {
  const { scene, view, focus } = picture;
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.save();
  pen.beginPath();
  pen.rect(x, y, width, height);
  pen.clip();
  pen.clearRect(x, y, width, height);
  pen.translate(view.x, view.y);
  pen.scale(view.zoom, view.zoom);
  const sight = {
    left: (x - view.x) / view.zoom,
    top: (y - view.y) / view.zoom,
    right: (x + width - view.x) / view.zoom,
    bottom: (y + height - view.y) / view.zoom,
  };
  edges(pen, picture, sight);
  const draw = view.zoom >= ROOMY ? card : view.zoom >= READABLE ? brief(view.zoom) : block;
  for (const [at, node] of scene.nodes.entries()) {
    // With what lies behind a stack, and the width of its line.
    if (node.x - EDGE > sight.right || node.y - EDGE > sight.bottom || node.x + NODE.width + EDGE < sight.left || node.y + NODE.height + EDGE < sight.top) continue;
    pen.globalAlpha = focus && !focus.has(at) ? 0.28 : 1;
    draw(pen, node, at === picture.chosen, at === picture.hovered);
  }
  pen.globalAlpha = 1;
  pen.restore();
}

/** How far a card reaches beyond its place, in pixels of the scene. */
const EDGE = 10;

interface Sight {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** All of one kind in one stroke: a thousand edges are a handful of calls. */
function edges(pen: CanvasRenderingContext2D, { scene, focus, view, chosen }: Picture, sight: Sight): void {
  const plain = new Path2D();
  const loose = new Path2D();
  const faded = new Path2D();
  const near = new Path2D();
  for (const edge of scene.edges) {
    if (!touches(edge, sight)) continue;
    const isFaded = focus && !(focus.has(edge.from) && focus.has(edge.to));
    const isNear = edge.from === chosen || edge.to === chosen;
    trace(isFaded ? faded : isNear ? near : edge.loose ? loose : plain, edge);
  }
  pen.lineWidth = Math.max(1.3, 0.7 / view.zoom);
  pen.strokeStyle = ink('line-strong');
  pen.stroke(plain);
  pen.setLineDash([4, 4]);
  pen.stroke(loose);
  pen.setLineDash([]);
  pen.globalAlpha = 0.3;
  pen.stroke(faded);
  pen.globalAlpha = 1;
  pen.strokeStyle = ink('soft');
  pen.lineWidth *= 1.2;
  pen.stroke(near);
}

function touches(edge: SceneEdge, sight: Sight): boolean {
  const first = edge.points[0];
  const last = edge.points.at(-1);
  if (!first || !last || first[0] > sight.right || last[0] < sight.left) return false;
  return edge.points.some(([, y]) => y >= sight.top - 80 && y <= sight.bottom + 80);
}

function trace(path: Path2D, { points }: SceneEdge): void {
  const first = points[0];
  if (!first) return;
  path.moveTo(first[0], first[1]);
  let [px, py] = first;
  for (const [x, y] of points.slice(1)) {
    if (y === py) path.lineTo(x, y);
    else {
      const bend = (x - px) / 2;
      path.bezierCurveTo(px + bend, py, x - bend, y, x, y);
    }
    [px, py] = [x, y];
  }
}

const PLANNED = new Set(['blocked', 'listening', 'not_run', 'skipped', 'cancelled']);

type Drawer = (pen: CanvasRenderingContext2D, node: SceneNode, chosen: boolean, hovered: boolean) => void;

/** With all that there is to say. */
const card: Drawer = (pen, node, chosen, hovered) => {
  const { x, y } = node;
  const planned = frame(pen, node, { chosen, hovered, line: 1 });
  if (node.status !== undefined) glyph(pen, node.status, x + 10, y + 9);
  const left = node.status === undefined ? x + 12 : x + 32;
  const font = fontsOf();
  pen.textBaseline = 'alphabetic';
  pen.font = font.name;
  pen.fillStyle = ink(planned ? 'soft' : 'text');
  pen.fillText(shortened(node.name, node.status === undefined ? 22 : 19), left, y + 21);
  pen.font = font.line;
  pen.fillStyle = ink('soft');
  pen.fillText(shortened(under(node, lookOf(node.status ?? '').word), 24), left, y + 37);
  if (node.crowd.length > 0) ratio(pen, node);
};

/** Of the height of a letter, about. */
const LETTER = 0.62;
/** The smallest letters, in pixels of the screen. */
const SMALLEST = 10;

/** The name alone, in letters that can be read however small the card is. */
function brief(zoom: number): Drawer {
  const size = Math.min(24, Math.max(12, SMALLEST / zoom));
  const mark = Math.min(22, size);
  const font = fontsOf().name.replace('12px', `${size.toFixed(1)}px`);
  return (pen, node, chosen, hovered) => {
    const { x, y } = node;
    const planned = frame(pen, node, { chosen, hovered, line: Math.min(2, 1 / zoom) });
    if (node.status !== undefined) glyph(pen, node.status, x + 8, y + (NODE.height - mark) / 2, mark);
    const left = node.status === undefined ? 10 : 14 + mark;
    const room = NODE.width - left - 8;
    pen.textBaseline = 'middle';
    pen.font = font;
    pen.fillStyle = ink(planned ? 'soft' : 'text');
    const most = Math.floor(room / (size * LETTER));
    pen.fillText(shortened(node.name, most), x + left, y + NODE.height / 2 + 1, node.name.length * 2 > most ? room : undefined);
    if (node.crowd.length > 0) ratio(pen, node);
  };
}

/** What a card is drawn on; whether nothing of its stage has begun. */
function frame(pen: CanvasRenderingContext2D, node: SceneNode, { chosen, hovered, line }: { chosen: boolean; hovered: boolean; line: number }): boolean {
  const { x, y } = node;
  const { hue } = lookOf(node.status ?? '');
  const planned = node.status === undefined ? false : PLANNED.has(node.status);
  if (node.crowd.length > 0) {
    for (const by of [6, 3]) {
      box(pen, x + by, y + by);
      pen.fillStyle = ink('surface');
      pen.fill();
      pen.strokeStyle = ink('line-strong');
      pen.lineWidth = line;
      pen.stroke();
    }
  }
  box(pen, x, y);
  pen.fillStyle = ink(hovered ? 'hover' : 'surface');
  pen.fill();
  const loud = node.status !== undefined && !planned && hue !== 'neutral';
  if (loud && hue !== 'success') {
    pen.fillStyle = ink(`${hue}-wash` as 'failed-wash');
    pen.fill();
  }
  if (node.status === 'would_have') hatch(pen, x, y);
  pen.lineWidth = chosen ? 2 * line : line;
  pen.strokeStyle = chosen ? ink('accent') : loud && hue !== 'success' ? ink(hue) : ink('line-strong');
  if (planned && !chosen) pen.setLineDash([4 * line, 3 * line]);
  pen.stroke();
  pen.setLineDash([]);
  return planned;
}

/** Nothing of it was really done. */
function hatch(pen: CanvasRenderingContext2D, x: number, y: number): void {
  pen.save();
  pen.clip();
  pen.beginPath();
  for (let at = -NODE.height; at < NODE.width; at += 9) {
    pen.moveTo(x + at, y + NODE.height);
    pen.lineTo(x + at + NODE.height, y);
  }
  pen.strokeStyle = ink('line');
  pen.lineWidth = 1;
  pen.stroke();
  pen.restore();
  box(pen, x, y);
}

/** Of what it would have done, as much as there is room for. */
function begun(says: string): string {
  const text = says.replaceAll('`', '');
  return text.length > 19 ? `${text.slice(0, 18)}…` : text;
}

function under(node: SceneNode, word: string): string {
  const parts: string[] = [];
  if (node.status === undefined) parts.push(node.kind);
  else if (node.crowd.length > 0) {
    const all = node.crowd.reduce((sum, [, count]) => sum + count, 0);
    const would = node.crowd.find(([status]) => status === 'would_have')?.[1] ?? 0;
    const done = node.crowd.find(([status]) => status === 'succeeded')?.[1] ?? 0;
    parts.push(would > 0 ? `${would}/${all} ${lookOf('would_have').word.toLowerCase()}` : `${done}/${all} ${lookOf('succeeded').word.toLowerCase()}`);
  } else parts.push(node.would === undefined ? word : begun(node.would));
  if (node.attempts > 1) parts.push(`attempt ${node.attempts}`);
  // Of what is over or asked already there is nothing to announce.
  if (node.mark && node.crowd.length === 0 && (node.status === undefined || PLANNED.has(node.status))) parts.push(node.mark);
  if (node.undo) parts.push('undone');
  return parts.join('  ');
}

function ratio(pen: CanvasRenderingContext2D, node: SceneNode): void {
  const all = node.crowd.reduce((sum, [, count]) => sum + count, 0);
  const width = NODE.width - 16;
  let left = node.x + 8;
  for (const [status, count] of node.crowd) {
    const part = (width * count) / all;
    const { hue } = lookOf(status);
    pen.fillStyle = hue === 'neutral' ? ink('line-strong') : ink(hue);
    pen.fillRect(left, node.y + NODE.height - 6, Math.max(1, part - 1), 3);
    left += part;
  }
}

/** A colour, where a name could not be read. */
function block(pen: CanvasRenderingContext2D, node: SceneNode, chosen: boolean): void {
  const { hue } = lookOf(node.status ?? 'blocked');
  const planned = node.status === undefined || PLANNED.has(node.status);
  pen.fillStyle = planned ? ink('sunken') : ink(hue);
  pen.fillRect(node.x, node.y, NODE.width, NODE.height);
  if (planned || chosen) {
    pen.strokeStyle = chosen ? ink('accent') : ink('line-strong');
    pen.lineWidth = chosen ? 6 : 2;
    pen.strokeRect(node.x, node.y, NODE.width, NODE.height);
  }
}

function box(pen: CanvasRenderingContext2D, x: number, y: number): void {
  pen.beginPath();
  pen.roundRect(x + 0.5, y + 0.5, NODE.width - 1, NODE.height - 1, 7);
}

export function glyph(pen: CanvasRenderingContext2D, status: string, x: number, y: number, size = 16): void {
  const { hue, shape } = lookOf(status);
  pen.save();
  pen.translate(x, y);
  pen.scale(size / 16, size / 16);
  pen.lineWidth = 1.7;
  pen.lineCap = 'round';
  pen.lineJoin = 'round';
  for (const part of SHAPES[shape] as readonly Stroke[]) {
    const path = pathOf(part.d);
    if (part.paint === 'fill') {
      pen.fillStyle = ink(hue);
      pen.fill(path);
      continue;
    }
    pen.setLineDash(part.paint === 'dashes' ? [4, 3] : part.paint === 'dots' ? [0.1, 3.4] : []);
    pen.strokeStyle = part.paint === 'cut' ? ink('surface') : ink(hue);
    pen.stroke(path);
  }
  pen.restore();
}
