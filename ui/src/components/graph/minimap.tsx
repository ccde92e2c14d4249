/** The whole graph in a corner, with what is in sight. For whoever points; others have the tree and the search. */
import type { RefObject } from 'preact';
import { useEffect } from 'preact/hooks';
import { ink } from '../ink';
import { lookOf } from '../status';
import { NODE, type Minimap as Map, type Scene, type Size } from './scene';

interface Props {
  scene: Scene;
  /** As it is now; nothing while all is in sight. */
  map: () => Map | undefined;
  canvas: RefObject<HTMLCanvasElement | null>;
  look: (x: number, y: number) => void;
  /** Another one: colours are others. */
  theme: number;
}

export function Minimap({ scene, map, canvas, look, theme }: Props) {
  useEffect(() => {
    const element = canvas.current;
    if (!element) return undefined;
    // All of it stays as it is while the part in sight moves.
    const still = { picture: document.createElement('canvas'), zoom: 0 };
    const draw = () => paint(element, still, scene, map());
    // Told by the graph whenever it has drawn itself.
    element.addEventListener('look', draw);
    draw();
    return () => element.removeEventListener('look', draw);
  }, [scene, theme]);
  const point = (event: PointerEvent) => {
    if (event.buttons === 1) look(event.offsetX, event.offsetY);
  };
  return <canvas ref={canvas} class="minimap" aria-hidden="true" hidden onPointerDown={point} onPointerMove={point} />;
}

interface Still {
  picture: HTMLCanvasElement;
  /** At which it was painted; 0: not yet. */
  zoom: number;
}

function paint(element: HTMLCanvasElement, still: Still, scene: Scene, map: Map | undefined): void {
  element.hidden = map === undefined;
  const pen = element.getContext('2d');
  if (!map || !pen) return;
  const scale = devicePixelRatio || 1;
  const [width, height] = [Math.ceil(map.width), Math.ceil(map.height)];
  if (element.width !== width * scale || element.height !== height * scale) {
    element.width = width * scale;
    element.height = height * scale;
    element.style.width = `${width}px`;
    element.style.height = `${height}px`;
  }
  if (still.zoom !== map.zoom) {
    still.zoom = map.zoom;
    stand(still.picture, scene, map.zoom, { width: element.width, height: element.height }, scale);
  }
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, element.width, element.height);
  pen.drawImage(still.picture, 0, 0);
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  const { x, y, width: wide, height: tall } = map.sight;
  pen.lineWidth = 1.5;
  pen.strokeStyle = ink('accent');
  pen.strokeRect(x + 0.75, y + 0.75, Math.max(1, wide - 1.5), Math.max(1, tall - 1.5));
}

function stand(picture: HTMLCanvasElement, scene: Scene, zoom: number, size: Size, scale: number): void {
  Object.assign(picture, size);
  const pen = picture.getContext('2d');
  if (!pen) return;
  pen.scale(scale, scale);
  for (const node of scene.nodes) {
    const { hue } = lookOf(node.status ?? 'blocked');
    pen.fillStyle = hue === 'neutral' ? ink('line-strong') : ink(hue);
    pen.fillRect(node.x * zoom, node.y * zoom, Math.max(1.5, NODE.width * zoom), Math.max(1.5, NODE.height * zoom));
  }
}
