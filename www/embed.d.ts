// The public contract of the viewer, version 1. On the viewer's own pages it is `window.sagitta`; from
// another page it is `await element.viewer(1)` of <sagitta-viewer src="GATEWAY_URL"> (embed.js), where
// every method returns a promise.

/** Why a promise was rejected: an `Error` with a stable code. Neither has patient data or addresses in it. */
export interface ViewerError { code: ErrorCode; message: string }

/** More codes may come: treat unknown ones as `failed`. */
export type ErrorCode =
  /** A call that cannot be understood; it changed nothing. */
  | "bad_argument" | "unknown_method" | "unsupported"
  /** Something else was opened meanwhile, everything was closed, or the call was given up. */
  | "superseded" | "closed" | "aborted" | "timeout"
  /** The frame does not answer: it cannot be reached, or its gateway does not allow this page. */
  | "no_answer" | "no_viewer"
  /** Nobody is signed in, or the ticket is worth nothing (any more). */
  | "login_needed" | "ticket_refused"
  /** What was to be opened: there is none that this user may see; more than one patient has this number. */
  | "study_unknown" | "series_unknown" | "instance_unknown" | "patient_unknown" | "source_unknown" | "ambiguous"
  /** The server does not answer, or refuses. */
  | "source_unreachable" | "source_refused" | "metadata_failed" | "metadata_unavailable" | "frame_failed"
  /** A frame of a video has no stored values. */
  | "video"
  /** There is nothing there to act on. */
  | "no_viewport" | "no_images" | "no_plane" | "no_volume" | "volume_failed" | "plane_failed" | "capture_failed"
  | "failed" | (string & {});

/** Modality values. */
export interface Window { center: number; width: number }

/** What is opened: `studies`, or `accession`, or `patient`. */
export interface OpenTarget {
  /** Study Instance UIDs; the first one is hung first. */
  studies?: string[];
  /** Accession Number, exactly; `ambiguous` where it is of more than one patient. */
  accession?: string;
  /** Patient ID, exactly: all studies of the patient, the newest first; `ambiguous` where two patients have it. */
  patient?: string;
  /** Series Instance UID: this one first, and its metadata are the first request. */
  series?: string;
  /** SOP Instance UID of the image that is shown first. */
  instance?: string;
  /** Its frame, from 1. */
  frame?: number;
  /** Id of one of the gateway's sources; without it all are searched, and UIDs are looked for in the first one. */
  source?: string;
}

export interface ViewSetting {
  /** 1 = the image fits. */
  zoom?: number;
  /** Canvas pixels from the centre. */
  pan?: [number, number];
  /** Degrees clockwise. */
  rotation?: number;
  /** Left to right on screen, before the rotation. */
  flip?: boolean;
  invert?: boolean;
}

/** A plane of a volume; mm in LPS. */
export interface Plane {
  center: [number, number, number];
  /** Unit vector to the right on screen. */
  row: [number, number, number];
  /** Unit vector downwards on screen. */
  column: [number, number, number];
  /** Size of a canvas pixel. */
  pixel_mm?: number;
  /** Thickness of a slab around the plane; without it a plane is thin. */
  slab_mm?: number;
  projection?: "mip" | "minip" | "mean";
  /** Distance of its planes; usually half the smallest voxel edge. */
  slab_step_mm?: number;
}

/** One of a series' times. */
export interface TimePoint {
  /** In words: "phase 3 of 10", "b 1000". */
  label: string;
  /** After the R wave where it is a phase, else after the first; null where the files say none. */
  at_ms: number | null;
  /** s/mm2, where times differ in it. */
  b_value: number | null;
}

export interface ViewportInfo {
  id: number;
  source: string; study: string; series: string; instance: string;
  /** From 1; 0 where nothing is shown. */
  frame: number;
  kind: "stack" | "mpr" | "3d";
  /** From 0. */
  slice: number; slices: number;
  /** Phases, times or b-values; 1 where the series has no such. `time` is the one on screen, from 0. */
  times: number; time: number; time_points: TimePoint[];
  window: Window | null; plane: Plane | null;
  /** Canvas pixels. */
  width: number; height: number;
  state: "empty" | "loading" | "coarse" | "final" | "failed" | "document";
  /** State marks, then what of the file was not used, in words. */
  notes: string[];
}

/** A point on the scales of an ultrasound region: values along x and y and their units, "" where there is none. */
export interface ProbeRegion { name: string; values: [number, number]; units: [string, string] }

export interface Probe {
  /** LPS; null where the image has no place in the patient. */
  patient_mm: [number, number, number] | null;
  column: number; row: number;
  stored: number | number[]; value: number | null;
  /** "HU", "SUVbw", ...; "" where the file says none. */
  unit: string;
  /** Real World Value Mappings of the file that are not `value` itself: quantity and UCUM unit. */
  real_world: [number, string][];
  /** null outside all ultrasound regions. */
  region: ProbeRegion | null;
}

/** Stored values; the array is the caller's own. */
export interface Pixels {
  rows: number; columns: number; samples: number; bits: number; signed: boolean;
  data: Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array | Float32Array | Float64Array;
}

/** Modality values of a plane; NaN outside the box of voxel centres. */
export interface PlaneValues { width: number; height: number; values: Float32Array }

export interface Percentiles { count: number; p50: number; p95: number; max: number }

export interface Stats {
  backend: "webgpu" | "webgl2" | "cpu"; workers: number;
  frames_wanted: number; frames_loaded: number; frames_failed: number; bytes_fetched: number; requests: number;
  decode_ms: Percentiles; draw_ms: Percentiles; first_image_ms: number | null;
  cpu_bytes: number; gpu_bytes: number; wasm_bytes: number; notes: string[];
}

/** Events and what their listeners get. The last four are of frames alone. */
export interface Events {
  /** The API answers. */
  ready: {};
  /** The first image of what was opened stands on screen, so long after the call. */
  firstimage: { ms: number };
  /** Every frame of what is on screen is decoded or has failed. */
  complete: {};
  /** `viewports()` has something new to say. */
  viewportchanged: {};
  measurement: unknown;
  error: ViewerError;
  /** For so many seconds nobody has used the frame; told once, and again after it was used. */
  idle: { seconds: number };
  /** The session ends in so many seconds unless the frame is used. */
  sessionexpiring: { seconds: number };
  /** Somebody has signed in, by a ticket or by hand. */
  login: {};
  /** The session has ended. Nothing is on screen any more; the frame asks its user to sign in. */
  logout: {};
}
export type EventName = keyof Events;

/** How the frame looks beside its page. */
export interface Appearance {
  /** Of bars and panels: the image area is always black. */
  theme?: "dark" | "light";
  /** A language tag such as "de-CH", for what the frame says before its user has signed in. */
  locale?: string;
}

/** `window.sagitta`. */
export interface ViewerV1 {
  readonly version: 1;
  /**
   * Opens studies. What was open is gone at once: nothing of it is shown, or said, after this call.
   * Resolves when the first frame stands on screen in final quality. A later `open` ends it with `superseded`.
   */
  open(target: OpenTarget): Promise<void>;
  /** Nothing of the study is left on screen or in memory. */
  close(): Promise<void>;
  /** Rows x columns, "1x1" to "3x3", or "mpr" for three planes. */
  setLayout(layout: "1x1" | "1x2" | "2x2" | "3x3" | "mpr" | (string & {})): Promise<void>;
  /** What each viewport shows. */
  viewports(): ViewportInfo[];
  /** From 0; resolves when drawn in final quality. */
  setSlice(viewport: number, index: number): Promise<void>;
  /** Resolves when drawn. */
  setWindow(viewport: number, window: Window): Promise<void>;
  /** Resolves when drawn in final quality; without `slab_mm` it ends a slab. */
  setPlane(viewport: number, plane: Plane): Promise<void>;
  /** Resolves when drawn. */
  setView(viewport: number, view: ViewSetting): Promise<void>;
  /** The value under a canvas pixel of the viewport; null outside the image. */
  probe(viewport: number, x: number, y: number): Probe | null;
  /** Stored values as decoded in the browser; `frame` counts from 1. */
  pixels(instance: string, frame: number, study?: string, series?: string, source?: string): Promise<Pixels>;
  /** Modality values of a viewport's plane, before the window; default size is the viewport's. */
  planeValues(viewport: number, width?: number, height?: number): Promise<PlaneValues>;
  /** PNG of the drawn pixels, without overlay. */
  capture(viewport: number): Promise<Blob>;
  /** Resolves when every frame is decoded or has failed for good. */
  complete(series?: string): Promise<void>;
  stats(): Stats;
  /** In frames only: takes a ticket of `POST /api/launch` and opens what it is for. What was open is gone at once. */
  signIn(ticket: string): Promise<void>;
  /** Sets theme and language; what is not given stays. */
  setAppearance(appearance: Appearance): Promise<void>;
  /** Listens to an event; the function that comes back ends that. */
  on<E extends EventName>(event: E, listener: (detail: Events[E]) => void): () => void;
  /** Shows another phase, time or b-value of a series that has several (`ViewportInfo.times`), from 0; resolves when drawn. */
  setTime(viewport: number, index: number): Promise<void>;
  /** This rejects with code `unsupported`. */
  fuse(viewport: number, series: string | null, options?: object): Promise<void>;
}

/** How long a call may take. */
export interface CallOptions {
  /** Ends the wait with `aborted`. What was asked for may happen all the same. */
  signal?: AbortSignal;
  /** Milliseconds until the wait ends with `timeout`; 120,000 unless it is said, and no limit for `complete`. */
  timeout?: number;
}

type Remote<F> = F extends (...args: infer A) => infer R ? (...args: A) => Promise<Awaited<R>> : F;

/** The same from another page: every method returns a promise, arrays and Blobs are transferred. */
export type RemoteViewerV1 = { [K in Exclude<keyof ViewerV1, "on">]: Remote<ViewerV1[K]> } & {
  on: ViewerV1["on"];
  /** The same API with other limits: `viewer.with({ timeout: 5000 }).open(...)`. */
  with(options: CallOptions): RemoteViewerV1;
};

/**
 * `<sagitta-viewer>`. Attributes act whenever they change, without loading the frame anew, but for `src`:
 * - `src`: address of the gateway
 * - `study` (UIDs with commas), or `accession`, or `patient`; with them `series` and `source`: what is open.
 *   None of the first three: nothing is
 * - `ticket`: signs in; the attribute is taken away at once
 * - `theme`, `locale`: as in `Appearance`
 * - `allow`: further permissions that the frame gets, read when it is made
 * - `title`: name of the frame for screen readers
 *
 * What an attribute asks for and cannot be done is told by the DOM event `error`, whose `detail` is a `ViewerError`.
 */
export interface SagittaViewerElement extends HTMLElement {
  /** The API, once the frame answers; `no_answer` where it does not within `timeout` ms (30,000). */
  viewer(version: 1, options?: { timeout?: number }): Promise<RemoteViewerV1>;
}

declare global {
  interface Window { sagitta: ViewerV1 }
  interface HTMLElementTagNameMap { "sagitta-viewer": SagittaViewerElement }
}
