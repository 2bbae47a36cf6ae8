// The public contract of the viewer, version 1. On the viewer's own pages it is `window.sagitta`; from
// another page it is `await element.viewer(1)` of <sagitta-viewer src="GATEWAY_URL"> (embed.js), where
// every method returns a promise.

export interface ViewerError { code: string; message: string }
export interface Window { center: number; width: number }
export interface OpenTarget { studies: string[]; series?: string; instance?: string; frame?: number; source?: string }
export interface ViewSetting { zoom?: number; pan?: [number, number]; rotation?: number; flip?: boolean; invert?: boolean }

export interface ViewportInfo {
  id: number; source: string; study: string; series: string; instance: string; frame: number;
  kind: "stack" | "mpr" | "3d"; slice: number; slices: number; times: number;
  window: Window; plane: null; width: number; height: number; state: string;
  /** State marks, then what of the file was not used, in words. */
  notes: string[];
}
/** A point on the scales of an ultrasound region: values along x and y and their units, "" where there is none. */
export interface ProbeRegion { name: string; values: [number, number]; units: [string, string] }
export interface Probe {
  patient_mm: [number, number, number] | null; column: number; row: number;
  /** `unit` is "" where the file says none. */
  stored: number | number[]; value: number | null; unit: string;
  /** Real World Value Mappings of the file that are not `value` itself: quantity and UCUM unit. */
  real_world: [number, string][];
  /** null outside all ultrasound regions. */
  region: ProbeRegion | null;
}
export interface Pixels {
  rows: number; columns: number; samples: number; bits: number; signed: boolean;
  data: Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array | Float32Array | Float64Array;
}
export interface Percentiles { count: number; p50: number; p95: number; max: number }
export interface Stats {
  backend: "webgpu" | "webgl2" | "cpu"; workers: number;
  frames_wanted: number; frames_loaded: number; frames_failed: number; bytes_fetched: number; requests: number;
  decode_ms: Percentiles; draw_ms: Percentiles; first_image_ms: number | null;
  cpu_bytes: number; gpu_bytes: number; wasm_bytes: number; notes: string[];
}
export type EventName = "ready" | "firstimage" | "complete" | "viewportchanged" | "measurement" | "error";

export interface ViewerV1 {
  readonly version: 1;
  /** Resolves when the first frame stands on screen in final quality; `frame` counts from 1. */
  open(target: OpenTarget): Promise<void>;
  /** Nothing of the study is left on screen or in memory. */
  close(): Promise<void>;
  /** Rows x columns, "1x1" to "3x3". Layouts with planes reject with code `unsupported`. */
  setLayout(layout: string): Promise<void>;
  viewports(): ViewportInfo[];
  /** From 0; resolves when drawn in final quality. */
  setSlice(viewport: number, index: number): Promise<void>;
  setWindow(viewport: number, window: Window): Promise<void>;
  setView(viewport: number, view: ViewSetting): Promise<void>;
  /** Canvas pixels of the viewport; null outside the image. */
  probe(viewport: number, x: number, y: number): Probe | null;
  /** Stored values as decoded in the browser; `frame` counts from 1. */
  pixels(instance: string, frame: number, study?: string, series?: string, source?: string): Promise<Pixels>;
  /** PNG of the drawn pixels, without overlay. */
  capture(viewport: number): Promise<Blob>;
  /** Resolves when every frame is decoded or has failed for good. */
  complete(series?: string): Promise<void>;
  stats(): Stats;
  on(event: EventName, listener: (detail: any) => void): () => void;
  /** These need volumes and reject with code `unsupported` until there are any. */
  setPlane(viewport: number, plane: object): Promise<void>;
  planeValues(viewport: number, width?: number, height?: number): Promise<object>;
  fuse(viewport: number, series: string | null, options?: object): Promise<void>;
  setTime(viewport: number, index: number): Promise<void>;
}

declare global {
  interface Window { sagitta: ViewerV1 }
  interface HTMLElementTagNameMap { "sagitta-viewer": HTMLElement & { viewer(version: 1): Promise<ViewerV1> } }
}
