/** A graph to look at, move and point at. Whoever cannot see it has the tree of the same stages. */
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { useRepaint } from '../ink';
import { markGraphDrawn } from '../marks';
import { paint, type Picture } from './draw';
import { Minimap } from './minimap';
import { centred, concerned, fit, foundIn, isInSight, lookedAt, minimapOf, neighbour, nodeAt, opening, resized, zoomed, type Direction, type Scene, type Size, type View } from './scene';

interface Props {
  scene: Scene;
  chosen: string | undefined;
  choose: (name: string | undefined) => void;
  /** Name of the stage that failed first: there is a button that shows what it concerns. */
  failed?: string | undefined;
}

/** With so many stages one sees at a glance. */
const FEW = 8;
/** The largest that a minimap is. */
const MAP = { width: 160, height: 96 } as const;

const KEYS: Record<string, Direction> = { ArrowLeft: 'left', ArrowRight: 'right', ArrowUp: 'up', ArrowDown: 'down' };

export function GraphCanvas({ scene, chosen, choose, failed }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const view = useRef<View | undefined>(undefined);
  const size = useRef({ width: 0, height: 0 });
  const hovered = useRef<number | undefined>(undefined);
  const frame = useRef(0);
  /** What stands on the canvas, and whether it has to be painted anew or only moved. */
  const painted = useRef<Picture | undefined>(undefined);
  const anew = useRef(true);
  const marked = useRef(false);
  /** Moved by hand: from then on it stays as it was put. */
  const touched = useRef(false);
  const [focused, setFocused] = useState(false);
  const [zoom, setZoom] = useState(1);
  const [typed, setTyped] = useState('');
  const [hit, setHit] = useState(0);
  const over = useRef<HTMLCanvasElement>(null);
  const theme = useRepaint();
  const place = scene.nodes.findIndex((node) => node.name === chosen);
  const at = place < 0 ? undefined : place;
  const failedAt = failed === undefined ? -1 : scene.nodes.findIndex((node) => node.name === failed);
  const now = useRef({ scene, at, focus: undefined as ReadonlySet<number> | undefined });
  now.current = { scene, at, focus: focused && failedAt >= 0 ? concerned(scene, failedAt) : undefined };

  const drawNow = useCallback(() => {
    cancelAnimationFrame(frame.current);
    frame.current = 0;
    const pen = canvas.current?.getContext('2d');
    if (!pen || !view.current || size.current.width === 0) return;
    const { scene: shown, at: chosenAt, focus } = now.current;
    const picture = { scene: shown, view: view.current, ...size.current, chosen: chosenAt, hovered: hovered.current, focus };
    paint(pen, picture, devicePixelRatio || 1, anew.current ? undefined : painted.current);
    painted.current = picture;
    anew.current = false;
    over.current?.dispatchEvent(new CustomEvent('look'));
    if (!marked.current) {
      marked.current = true;
      markGraphDrawn();
    }
  }, []);
  const shift = useCallback(() => {
    frame.current ||= requestAnimationFrame(drawNow);
  }, []);
  const draw = useCallback(() => {
    anew.current = true;
    shift();
  }, []);

  const look = useCallback((to: View) => {
    view.current = to;
    setZoom(to.zoom);
    draw();
  }, []);

  const opened = (width: number, height: number): View => {
    const { scene: shown, at: chosenAt } = now.current;
    const first = opening(shown, width, height);
    const hidden = chosenAt !== undefined && !isInSight(shown, chosenAt, first, width, height);
    return hidden ? centred(shown, chosenAt, first, width, height) : first;
  };

  /** In another size: its middle stays, unless that would take the chosen stage out of sight. */
  const moved = (from: View, before: Size): View => {
    const { scene: shown, at: chosenAt } = now.current;
    const { width, height } = size.current;
    const to = resized(from, before, size.current);
    const lost = chosenAt !== undefined && isInSight(shown, chosenAt, from, before.width, before.height) && !isInSight(shown, chosenAt, to, width, height);
    return lost ? centred(shown, chosenAt, to, width, height) : to;
  };

  // Before the first frame: with it comes the graph.
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const measure = () => {
      const { clientWidth: width, clientHeight: height } = element;
      const before = size.current;
      if (width === before.width && height === before.height) return;
      const scale = devicePixelRatio || 1;
      if (canvas.current) {
        canvas.current.width = width * scale;
        canvas.current.height = height * scale;
      }
      size.current = { width, height };
      if (width === 0) return;
      view.current = touched.current && view.current && before.width > 0 ? moved(view.current, before) : opened(width, height);
      setZoom(view.current.zoom);
      // A canvas of another size is empty.
      anew.current = true;
      drawNow();
    };
    measure();
    const watcher = new ResizeObserver(measure);
    watcher.observe(element);
    return () => {
      watcher.disconnect();
      cancelAnimationFrame(frame.current);
    };
  }, []);

  useEffect(draw, [scene, chosen, focused, theme]);

  // Chosen elsewhere: it is brought into sight, and nothing else moves.
  useEffect(() => {
    const { width, height } = size.current;
    if (at !== undefined && view.current && width > 0 && !isInSight(scene, at, view.current, width, height)) {
      look(centred(scene, at, view.current, width, height));
    }
  }, [chosen]);

  useEffect(() => {
    const element = canvas.current;
    if (!element) return undefined;
    const wheel = (event: WheelEvent) => {
      if (!view.current) return;
      // As everywhere: the wheel moves the page, with Ctrl (or two fingers) it zooms.
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      touched.current = true;
      look(zoomed(view.current, Math.exp(-event.deltaY / 240), event.offsetX, event.offsetY));
    };
    element.addEventListener('wheel', wheel, { passive: false });
    return () => element.removeEventListener('wheel', wheel);
  }, []);

  const grip = useRef<{ x: number; y: number; view: View; moved: boolean } | undefined>(undefined);
  const down = (event: PointerEvent) => {
    if (!view.current || event.button !== 0) return;
    grip.current = { x: event.clientX, y: event.clientY, view: view.current, moved: false };
    canvas.current?.setPointerCapture(event.pointerId);
  };
  const move = (event: PointerEvent) => {
    if (!view.current) return;
    const held = grip.current;
    if (held) {
      const [dx, dy] = [event.clientX - held.x, event.clientY - held.y];
      if (Math.abs(dx) + Math.abs(dy) > 3) held.moved = true;
      if (held.moved) {
        touched.current = true;
        view.current = { ...held.view, x: held.view.x + dx, y: held.view.y + dy };
        shift();
      }
      return;
    }
    const over = nodeAt(scene, view.current, event.offsetX, event.offsetY);
    if (over !== hovered.current) {
      hovered.current = over;
      if (canvas.current) canvas.current.style.cursor = over === undefined ? 'grab' : 'pointer';
      draw();
    }
  };
  const up = (event: PointerEvent) => {
    const held = grip.current;
    grip.current = undefined;
    if (!held || held.moved || !view.current) return;
    const found = nodeAt(scene, view.current, event.offsetX, event.offsetY);
    choose(found === undefined ? undefined : scene.nodes[found]?.name);
  };
  const key = (event: KeyboardEvent) => {
    const to = KEYS[event.key];
    if (!to) return;
    event.preventDefault();
    const next = neighbour(scene, at ?? -1, to);
    if (next !== undefined) choose(scene.nodes[next]?.name);
  };
  const { width, height } = size.current;
  const found = foundIn(scene, typed);
  const goTo = (place: number) => {
    const to = found[place];
    if (to === undefined || !view.current) return;
    setHit(place);
    touched.current = true;
    look(centred(scene, to, view.current, size.current.width, size.current.height));
    choose(scene.nodes[to]?.name);
  };
  const map = () => (view.current ? minimapOf(scene, view.current, size.current.width, size.current.height, MAP) : undefined);
  const by = (factor: number) => () => {
    touched.current = true;
    if (view.current) look(zoomed(view.current, factor, width / 2, height / 2));
  };
  return (
    <div class="graph" ref={box}>
      <canvas
        ref={canvas}
        tabIndex={0}
        aria-label="Graph of the stages; the tree of stages says the same"
        role="img"
        data-nodes={scene.nodes.length}
        onPointerDown={down}
        onPointerMove={move}
        onPointerUp={up}
        onPointerLeave={() => {
          hovered.current = undefined;
          draw();
        }}
        onKeyDown={key}
      />
      <Minimap scene={scene} map={map} canvas={over} theme={theme} look={(x, y) => {
        const shown = map();
        if (!shown || !view.current) return;
        touched.current = true;
        look(lookedAt(shown, x, y, view.current, size.current.width, size.current.height));
      }} />
      <div class="graph-tools">
        {scene.nodes.length > FEW ? (
          <>
            <input
              type="search"
              aria-label="Find a stage"
              placeholder="Find a stage"
              value={typed}
              onInput={(event) => {
                setTyped(event.currentTarget.value);
                setHit(-1);
              }}
              onKeyDown={(event) => {
                if (event.key !== 'Enter' || found.length === 0) return;
                event.preventDefault();
                goTo((hit + (event.shiftKey ? -1 : 1) + found.length) % found.length);
              }}
            />
            {typed === '' ? null : (
              <span class="num small" role="status">
                {found.length === 0 ? 'none' : `${Math.max(0, hit) + 1} of ${found.length}`}
              </span>
            )}
          </>
        ) : null}
        <button type="button" aria-label="Zoom out" onClick={by(0.8)}>
          −
        </button>
        <span class="num small">{Math.round(zoom * 100)}%</span>
        <button type="button" aria-label="Zoom in" onClick={by(1.25)}>
          +
        </button>
        <button type="button" onClick={() => look(fit(scene, width, height))}>
          Fit
        </button>
        {failedAt >= 0 ? (
          <button type="button" aria-pressed={focused} onClick={() => setFocused(!focused)}>
            Failure
          </button>
        ) : null}
      </div>
    </div>
  );
}
