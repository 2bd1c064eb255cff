/** Drivers as arrows that glide from where they were to where they are. One call draws them all:
 * sources of GeoJSON cost ten times as much and more (see `postrider bench console`). */

import type { Feature, FeatureCollection } from "geojson";
import type { CustomLayerInterface, CustomRenderMethodInput, LayerSpecification } from "maplibre-gl";
import { FONT } from "../basemap";
import type { Fleet } from "../fleet";
import type { LonLat } from "../frames";
import { BYTES, type Glides } from "./glides";

export const DRIVERS = "drivers";
export const NAMES = "driver-names";
/** So many names at a time can be read; more would only hide the streets. */
const NAMES_MAX = 150;

const VERTEX = `#version 300 es
uniform mat4 u_matrix;
uniform float u_now_s, u_size, u_pixels;
in vec2 a_from, a_to, a_time;
in float a_heading;
in vec4 a_look;
out float v_heading;
out float v_size;
out vec3 v_colour;
void main() {
  float share = a_time.y > 0. ? clamp((u_now_s - a_time.x) / a_time.y, 0., 1.) : 1.;
  gl_Position = a_look.a > 0. ? u_matrix * vec4(mix(a_from, a_to, share), 0., 1.) : vec4(2., 2., 2., 1.);
  v_size = (a_look.a > .9 ? max(u_size, 31.) * 1.3 : u_size) * u_pixels;
  gl_PointSize = v_size;
  v_heading = a_heading;
  v_colour = a_look.rgb;
}`;

/** A disc with a white rim, and in it, where there is room, a white arrow. */
const FRAGMENT = `#version 300 es
precision highp float;
in float v_heading;
in float v_size;
in vec3 v_colour;
out vec4 colour;
void main() {
  vec2 p = (gl_PointCoord * 2. - 1.) * vec2(1., -1.);
  float soft = 2.5 / v_size;
  float r = length(p);
  float disc = 1. - smoothstep(1. - soft, 1., r);
  float inside = 1. - smoothstep(.84 - soft, .84, r);
  float c = cos(v_heading), s = sin(v_heading);
  vec2 q = vec2(c * p.x - s * p.y, s * p.x + c * p.y);
  float sides = (.5 - q.y) * .42 - abs(q.x);
  float tail = q.y + .2 + abs(q.x) * .65;
  float arrow = smoothstep(-soft, soft, min(sides, tail)) * step(14., v_size);
  colour = vec4(mix(vec3(1.), mix(v_colour, vec3(1.), arrow), inside), 1.) * disc;
}`;

export class DriverLayer implements CustomLayerInterface {
  readonly id = DRIVERS;
  readonly type = "custom" as const;
  private program: WebGLProgram | null = null;
  private buffer: WebGLBuffer | null = null;
  private vertices: WebGLVertexArrayObject | null = null;
  private roomFor = 0;
  private drawn = -1;

  /** sizePx: how wide a marker is now. */
  constructor(
    private readonly glides: Glides,
    private readonly sizePx: () => number,
  ) {}

  onAdd(_: unknown, gl: WebGL2RenderingContext): void {
    const program = gl.createProgram();
    for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]] as const) {
      const shader = gl.createShader(kind);
      if (shader === null) return;
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    this.program = program;
    this.buffer = gl.createBuffer();
    this.vertices = gl.createVertexArray();
    gl.bindVertexArray(this.vertices);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffer);
    const put = (name: string, size: number, at: number): void => {
      const where = gl.getAttribLocation(program, name);
      gl.enableVertexAttribArray(where);
      gl.vertexAttribPointer(where, size, gl.FLOAT, false, BYTES, at);
    };
    put("a_from", 2, 0);
    put("a_to", 2, 8);
    put("a_time", 2, 16);
    put("a_heading", 1, 24);
    const look = gl.getAttribLocation(program, "a_look");
    gl.enableVertexAttribArray(look);
    gl.vertexAttribPointer(look, 4, gl.UNSIGNED_BYTE, true, BYTES, 28);
    gl.bindVertexArray(null);
    this.roomFor = 0;
    this.drawn = -1;
  }

  render(gl: WebGL2RenderingContext, { defaultProjectionData }: CustomRenderMethodInput): void {
    const { glides, program } = this;
    if (program === null || glides.origin === undefined) return;
    gl.useProgram(program);
    gl.bindVertexArray(this.vertices);
    if (this.drawn !== glides.version) this.upload(gl);
    const uniform = (name: string): WebGLUniformLocation | null => gl.getUniformLocation(program, name);
    const matrix = Float64Array.from(defaultProjectionData.mainMatrix as ArrayLike<number>);
    const { x, y } = glides.origin;
    for (let row = 0; row < 4; row += 1) {
      matrix[12 + row]! += matrix[row]! * x + matrix[4 + row]! * y;
    }
    gl.uniformMatrix4fv(uniform("u_matrix"), false, Float32Array.from(matrix));
    gl.uniform1f(uniform("u_now_s"), performance.now() / 1000);
    gl.uniform1f(uniform("u_size"), this.sizePx());
    gl.uniform1f(uniform("u_pixels"), devicePixelRatio);
    gl.drawArrays(gl.POINTS, 0, glides.count);
    gl.bindVertexArray(null);
  }

  onRemove(_: unknown, gl: WebGL2RenderingContext): void {
    gl.deleteBuffer(this.buffer);
    gl.deleteVertexArray(this.vertices);
    gl.deleteProgram(this.program);
    this.program = null;
  }

  private upload(gl: WebGL2RenderingContext): void {
    const { values, count, version } = this.glides;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffer);
    if (this.roomFor < values.length) {
      gl.bufferData(gl.ARRAY_BUFFER, values.byteLength, gl.DYNAMIC_DRAW);
      this.roomFor = values.length;
    }
    gl.bufferSubData(gl.ARRAY_BUFFER, 0, values, 0, (count * BYTES) / 4);
    this.drawn = version;
  }
}

/** The names of the drivers in view, when they are few enough to be read. */
export function nameFeatures(
  fleet: Fleet,
  glides: Glides,
  isInView: (at: LonLat) => boolean,
  nowMs: number,
): FeatureCollection {
  const features: Feature[] = [];
  for (const { driver_id: id, name, position } of fleet.drivers.values()) {
    if (!isInView(position)) continue;
    if (features.length === NAMES_MAX) return { type: "FeatureCollection", features: [] };
    const coordinates = glides.at(id, nowMs) ?? position;
    features.push({ type: "Feature", geometry: { type: "Point", coordinates }, properties: { name } });
  }
  return { type: "FeatureCollection", features };
}

export function nameLayer(dark: boolean): LayerSpecification {
  return {
    id: NAMES,
    type: "symbol",
    source: NAMES,
    layout: {
      "text-field": ["get", "name"],
      "text-font": FONT,
      "text-size": 13,
      "text-anchor": "top",
      "text-offset": [0, 1.3],
      "text-optional": true,
    },
    paint: {
      "text-color": dark ? "#f3f6f9" : "#12181f",
      "text-halo-color": dark ? "#0e1216" : "#ffffff",
      "text-halo-width": 2,
    },
  };
}
