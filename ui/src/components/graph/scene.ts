/** Where the stages of a graph stand in pixels, and what is found there. Pure. */
import type { Graph, StageView } from '../../api/types';
import { URGENCY } from '../status';

export const CELL = { width: 208, height: 72 } as const;
export const NODE = { width: 168, height: 48 } as const;
const MARGIN = 20;
/** Below so many pixels of the screen for one of the scene, a card cannot hold a name that can be read. */
export const READABLE = 0.36;
/** From here on a card has room for all that it says. */
export const ROOMY = 0.72;

export interface SceneNode {
  name: string;
  kind: string;
  mark: string;
  x: number;
  y: number;
  /** Of the run; nothing in a graph of a definition. */
  status: string | undefined;
  attempts: number;
  /** How many instances have which status, most urgent first. */
  crowd: [status: string, count: number][];
  undo: string | undefined;
  /** Of a shadow run: what it would have done. */
  would: string | undefined;
}

export interface SceneEdge {
  from: number;
  to: number;
  loose: boolean;
  points: [x: number, y: number][];
}

export interface Scene {
  nodes: SceneNode[];
  edges: SceneEdge[];
  width: number;
  height: number;
}

export interface Size {
  width: number;
  height: number;
}

export interface View {
  /** Pixels of the screen for one of the scene. */
  zoom: number;
  /** Where the scene's corner is on the screen. */
  x: number;
  y: number;
}

export function sceneOf(graph: Graph): Scene {
  const nodes = graph.nodes.map((node): SceneNode => ({
    name: node.name,
    kind: node.kind,
    mark: node.mark ?? '',
    x: MARGIN + node.x * CELL.width,
    y: MARGIN + node.y * CELL.height,
    status: node.status ?? undefined,
    attempts: node.attempts ?? 0,
    crowd: ranked(Object.entries(node.instances ?? {})),
    undo: node.undo ?? undefined,
    would: undefined,
  }));
  const edges = graph.edges.map((edge): SceneEdge => {
    const [from, to] = [nodes[edge.from], nodes[edge.to]];
    const points: [number, number][] = [];
    if (from) points.push([from.x + NODE.width, from.y + NODE.height / 2]);
    for (const [x, y] of (edge.via ?? []) as [number, number][]) {
      const left = MARGIN + x * CELL.width;
      const middle = MARGIN + y * CELL.height + NODE.height / 2;
      points.push([left, middle], [left + NODE.width, middle]);
    }
    if (to) points.push([to.x, to.y + NODE.height / 2]);
    return { from: edge.from, to: edge.to, loose: edge.loose ?? false, points };
  });
  const across = Math.max(1, graph.width) * CELL.width - (CELL.width - NODE.width);
  const down = Math.max(1, graph.height) * CELL.height - (CELL.height - NODE.height);
  return { nodes, edges, width: across + 2 * MARGIN, height: down + 2 * MARGIN };
}

function ranked(counts: [string, number][]): [string, number][] {
  return counts.sort((a, b) => URGENCY.indexOf(a[0]) - URGENCY.indexOf(b[0]));
}

/** With what the stages of a run are now; places stay. */
export function withStages(scene: Scene, stages: readonly StageView[]): Scene {
  const byStage = new Map<string, StageView[]>();
  for (const stage of stages) {
    const list = byStage.get(stage.stage);
    if (list) list.push(stage);
    else byStage.set(stage.stage, [stage]);
  }
  const nodes = scene.nodes.map((node): SceneNode => {
    const rows = byStage.get(node.name);
    if (!rows) return node;
    const instances = rows.filter((row) => row.instance !== null && row.instance !== undefined);
    const counts = new Map<string, number>();
    for (const row of instances) counts.set(row.status, (counts.get(row.status) ?? 0) + 1);
    const crowd = ranked([...counts]);
    const own = rows.find((row) => row.instance === null || row.instance === undefined);
    const status = own?.status ?? crowd[0]?.[0];
    const attempts = Math.max(0, ...rows.map((row) => row.attempts.length));
    const would = rows.flatMap((row) => row.would ?? [])[0]?.says;
    return { ...node, status, crowd, attempts, would };
  });
  return { ...scene, nodes };
}

/** All of it, but no larger than it is meant to be. */
export function fit(scene: Scene, width: number, height: number): View {
  const zoom = Math.max(0.05, Math.min(1, width / scene.width, height / scene.height));
  return { zoom, x: Math.max(0, (width - scene.width * zoom) / 2), y: Math.max(0, (height - scene.height * zoom) / 2) };
}

/** As it is first shown: all of it, unless that could not be read any more; then where it begins. */
export function opening(scene: Scene, width: number, height: number): View {
  const all = fit(scene, width, height);
  if (all.zoom >= READABLE) return all;
  const zoom = READABLE;
  const spare = height - scene.height * zoom;
  const begins = scene.nodes.reduce<SceneNode | undefined>((left, node) => (left && left.x <= node.x ? left : node), undefined);
  const middle = begins ? begins.y + NODE.height / 2 : 0;
  const y = spare >= 0 ? spare / 2 : Math.min(0, Math.max(spare, height / 2 - middle * zoom));
  return { zoom, x: Math.max(0, (width - scene.width * zoom) / 2), y };
}

/** What was in the middle stays there when there is more or less room. */
export function resized(view: View, from: Size, to: Size): View {
  return { ...view, x: view.x + (to.width - from.width) / 2, y: view.y + (to.height - from.height) / 2 };
}

export function zoomed(view: View, factor: number, atX: number, atY: number): View {
  const zoom = Math.max(0.05, Math.min(2.5, view.zoom * factor));
  const by = zoom / view.zoom;
  return { zoom, x: atX - (atX - view.x) * by, y: atY - (atY - view.y) * by };
}

/** So that a node stands in the middle. */
export function centred(scene: Scene, at: number, view: View, width: number, height: number): View {
  const node = scene.nodes[at];
  if (!node) return view;
  const zoom = Math.max(view.zoom, 0.6);
  return { zoom, x: width / 2 - (node.x + NODE.width / 2) * zoom, y: height / 2 - (node.y + NODE.height / 2) * zoom };
}

/** Whether a node is wholly to be seen. */
export function isInSight(scene: Scene, at: number, view: View, width: number, height: number): boolean {
  const node = scene.nodes[at];
  if (!node) return true;
  const left = node.x * view.zoom + view.x;
  const top = node.y * view.zoom + view.y;
  return left >= 0 && top >= 0 && left + NODE.width * view.zoom <= width && top + NODE.height * view.zoom <= height;
}

export function nodeAt(scene: Scene, view: View, x: number, y: number): number | undefined {
  const [sx, sy] = [(x - view.x) / view.zoom, (y - view.y) / view.zoom];
  const found = scene.nodes.findIndex((node) => sx >= node.x && sx <= node.x + NODE.width && sy >= node.y && sy <= node.y + NODE.height);
  return found < 0 ? undefined : found;
}

export type Direction = 'left' | 'right' | 'up' | 'down';

/** Along the edges to the sides; up and down among those of the same column. */
export function neighbour(scene: Scene, at: number, to: Direction): number | undefined {
  const node = scene.nodes[at];
  if (!node) return scene.nodes.length > 0 ? 0 : undefined;
  const nearest = (all: number[]) =>
    all.sort((a, b) => Math.abs((scene.nodes[a]?.y ?? 0) - node.y) - Math.abs((scene.nodes[b]?.y ?? 0) - node.y))[0];
  if (to === 'right') return nearest(scene.edges.filter((edge) => edge.from === at).map((edge) => edge.to));
  if (to === 'left') return nearest(scene.edges.filter((edge) => edge.to === at).map((edge) => edge.from));
  const column = scene.nodes.flatMap((other, place) => {
    const below = other.y - node.y;
    return other.x === node.x && (to === 'down' ? below > 0 : below < 0) ? [place] : [];
  });
  return nearest(column);
}

/** A failed stage with all it came from and all that it keeps from running. */
export function concerned(scene: Scene, at: number): Set<number> {
  const found = new Set([at]);
  const walk = (from: number, next: (edge: SceneEdge) => number | undefined) => {
    for (const edge of scene.edges) {
      const to = next(edge);
      const touches = to === edge.to ? edge.from === from : edge.to === from;
      if (to !== undefined && touches && !found.has(to)) {
        found.add(to);
        walk(to, next);
      }
    }
  };
  walk(at, (edge) => edge.from);
  walk(at, (edge) => edge.to);
  return found;
}

/** The whole scene in a small box, and where the part in sight is within it. */
export interface Minimap {
  zoom: number;
  width: number;
  height: number;
  sight: { x: number; y: number; width: number; height: number };
}

/** Nothing where all of it is in sight anyway. */
export function minimapOf(scene: Scene, view: View, width: number, height: number, most: { width: number; height: number }): Minimap | undefined {
  const all = scene.width * view.zoom <= width + 1 && scene.height * view.zoom <= height + 1;
  if (all || width === 0) return undefined;
  const zoom = Math.min(most.width / scene.width, most.height / scene.height);
  const left = Math.max(0, -view.x / view.zoom);
  const top = Math.max(0, -view.y / view.zoom);
  const right = Math.min(scene.width, (width - view.x) / view.zoom);
  const bottom = Math.min(scene.height, (height - view.y) / view.zoom);
  return {
    zoom,
    width: scene.width * zoom,
    height: scene.height * zoom,
    sight: { x: left * zoom, y: top * zoom, width: Math.max(2, (right - left) * zoom), height: Math.max(2, (bottom - top) * zoom) },
  };
}

/** So that the point of the scene under a point of its minimap stands in the middle. */
export function lookedAt(map: Minimap, x: number, y: number, view: View, width: number, height: number): View {
  return { zoom: view.zoom, x: width / 2 - (x / map.zoom) * view.zoom, y: height / 2 - (y / map.zoom) * view.zoom };
}

/** Stages whose names hold these letters, those that begin with them first. */
export function foundIn(scene: Scene, typed: string): number[] {
  const wanted = typed.trim().toLowerCase();
  if (wanted === '') return [];
  const all = scene.nodes.map((node, at) => ({ at, place: node.name.toLowerCase().indexOf(wanted) })).filter((one) => one.place >= 0);
  return all.sort((a, b) => Number(a.place > 0) - Number(b.place > 0) || a.at - b.at).map((one) => one.at);
}
