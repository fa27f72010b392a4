/** The parts of the API's responses that the console uses. docs/openapi.json documents all of them. */

interface Config {
  api_url: string;
  client_id: string;
  cognito_url: string;
  socket_url?: string;
}

interface Me {
  user: {id: string};
  organisation: {id: string; name: string};
  role: string;
  scopes: string[];
}

interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

interface Link {
  url: string;
  expires_at: string;
}

interface Stats {
  min_c: number;
  max_c: number;
  mean_c: number;
  p5_c: number;
  p95_c: number;
}

interface ImageSummary {
  id: string;
  name: string;
  size_bytes: number;
  state: string;
  reason: string | null;
  survey: Record<"site" | "sector" | "period" | "pad", string>;
  accuracy: {kind: "exact" | "approximate"; error_c: number | null} | null;
  stats: Stats | null;
  pixels: Record<
    "measured" | "out_of_range" | "below_range" | "above_range" | "without" | "outside_set_range",
    number
  > | null;
  created_at: string;
}

interface Span {
  low_celsius: number | null;
  high_celsius: number | null;
}

interface PixelTemperature {
  celsius: number | null;
  state: "measured" | "below_range" | "above_range" | "without";
}

interface ThermalImage extends ImageSummary {
  format: string | null;
  width: number | null;
  height: number | null;
  camera: Record<"make" | "model" | "serial" | "lens", string> | null;
  parameters: (Record<string, number | null> & {distance_source: "file" | "laser" | null}) | null;
  position: {latitude: number; longitude: number; altitude_metres: number | null} | null;
  limits: Span | null;
  set_range: Span | null;
  georeference: {epsg: number} | null;
  notes: {code: string; text: string}[];
  taken_at: string | null;
  taken_at_local: string | null;
  flight: {
    gimbal: Record<"yaw" | "pitch" | "roll", number | null> | null;
    altitude_above_takeoff_metres: number | null;
    laser: {distance_metres: number | null} | null;
  } | null;
  links: {previews: Record<string, Link>; colorbar: Record<string, Link>; cog: Link; original: Link} | null;
}

interface Palette {
  name: string;
  preview_colours: string;
  colorbar_colours: string;
}

interface Target {
  kind: string;
  id?: string;
  value?: string;
  link: string | null;
}

interface Scan {
  id: string;
  target: Target;
  state: string;
  progress: number;
  reason: string;
  steps: {plugin: string; reason: string}[];
  counts: Record<string, number>;
  delta: Record<string, number>;
  created_at: string;
}

interface Finding {
  fingerprint: string;
  title: string;
  severity: string;
  status: string;
  location: {polygon?: number[][]};
  evidence: Record<string, number>;
  last_seen_at: string;
}

interface Report {
  id: string;
  format: string;
  state: string;
  reason: string;
  link: Link | null;
}

interface UploadTarget {
  url: string;
  fields: Record<string, string>;
}
