/** QR codes (ISO/IEC 18004): bytes, error correction M, versions 1 to 6, mask 0. */

const SVG = "http://www.w3.org/2000/svg";
/** By version: data codewords in each block, and correction codewords per block. */
const BLOCKS: [data: number[], correction: number][] = [
  [[16], 10], [[28], 16], [[44], 26], [[32, 32], 18], [[43, 43], 24], [[27, 27, 27, 27], 16],
];
const QUIET = 4;
/** Level M and mask 0, with its check bits. */
const FORMAT = 0b101010000010010;

/** The text as a picture. It must fit into 106 bytes. */
export function qrSvg(text: string): SVGSVGElement {
  const modules = qrModules(text);
  const size = modules.length + 2 * QUIET;
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${size} ${size}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("shape-rendering", "crispEdges");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", modules.flatMap((row, y) =>
    row.flatMap((dark, x) => (dark ? [`M${x + QUIET} ${y + QUIET}h1v1h-1z`] : []))).join(""));
  svg.append(path);
  return svg;
}

function qrModules(text: string): boolean[][] {
  const bytes = new TextEncoder().encode(text);
  const index = BLOCKS.findIndex(([data]) => data.reduce((a, b) => a + b) >= bytes.length + 2);
  const block = BLOCKS[index];
  if (block === undefined) throw new Error("The text is too long for a QR code.");
  return draw(index + 1, interleave(encode(bytes, block[0].reduce((a, b) => a + b)), ...block));
}

function encode(bytes: Uint8Array, capacity: number): number[] {
  const bits = [0, 1, 0, 0, ...bitsOf(bytes.length, 8), ...[...bytes].flatMap((byte) => bitsOf(byte, 8))];
  bits.push(...Array<number>(Math.min(4, capacity * 8 - bits.length)).fill(0));
  while (bits.length % 8 !== 0) bits.push(0);
  const words: number[] = [];
  for (let at = 0; at < bits.length; at += 8) words.push(parseInt(bits.slice(at, at + 8).join(""), 2));
  for (let pad = 0xec; words.length < capacity; pad ^= 0xec ^ 0x11) words.push(pad);
  return words;
}

function interleave(words: number[], lengths: number[], correction: number): number[] {
  let at = 0;
  const data = lengths.map((length) => words.slice(at, (at += length)));
  const checks = data.map((block) => correctionOf(block, correction));
  const across = (blocks: number[][]): number[] =>
    Array.from({ length: Math.max(...blocks.map((each) => each.length)) }, (_, row) =>
      blocks.flatMap((block) => (row < block.length ? [block[row] ?? 0] : []))).flat();
  return [...across(data), ...across(checks)];
}

/** Reed and Solomon's, over GF(256) with polynomial 0x11d. */
function correctionOf(data: number[], length: number): number[] {
  let generator = [1];
  for (let power = 0, root = 1; power < length; power += 1, root = multiply(root, 2)) {
    const next = [...generator, 0];
    generator.forEach((factor, at) => (next[at + 1] = (next[at + 1] ?? 0) ^ multiply(factor, root)));
    generator = next;
  }
  const rest = [...data, ...Array<number>(length).fill(0)];
  data.forEach((_, at) => {
    const lead = rest[at] ?? 0;
    generator.forEach((factor, offset) => (rest[at + offset] = (rest[at + offset] ?? 0) ^ multiply(factor, lead)));
  });
  return rest.slice(data.length);
}

function multiply(a: number, b: number): number {
  let product = 0;
  for (let bit = 7; bit >= 0; bit -= 1) {
    product = (product << 1) ^ ((product >> 7) * 0x11d);
    product ^= ((b >> bit) & 1) * a;
  }
  return product;
}

function draw(version: number, words: number[]): boolean[][] {
  const size = 17 + 4 * version;
  const modules = Array.from({ length: size }, () => Array<boolean>(size).fill(false));
  const isFixed = Array.from({ length: size }, () => Array<boolean>(size).fill(false));
  const put = (x: number, y: number, dark: boolean): void => {
    const row = modules[y];
    const fixed = isFixed[y];
    if (!row || !fixed || x < 0 || x >= size) return;
    row[x] = dark;
    fixed[x] = true;
  };
  const square = (cx: number, cy: number, reach: number, light: number[]): void => {
    for (let dy = -reach; dy <= reach; dy += 1) {
      for (let dx = -reach; dx <= reach; dx += 1) {
        put(cx + dx, cy + dy, !light.includes(Math.max(Math.abs(dx), Math.abs(dy))));
      }
    }
  };
  for (let at = 0; at < size; at += 1) {
    put(6, at, at % 2 === 0);
    put(at, 6, at % 2 === 0);
  }
  for (const [x, y] of [[3, 3], [size - 4, 3], [3, size - 4]] as const) square(x, y, 4, [2, 4]);
  if (version > 1) square(size - 7, size - 7, 2, [1]);
  for (let bit = 0; bit < 15; bit += 1) {
    const dark = ((FORMAT >> bit) & 1) === 1;
    put(8, bit < 6 ? bit : bit < 8 ? bit + 1 : size - 15 + bit, dark);
    put(bit < 8 ? size - 1 - bit : bit < 9 ? 7 : 14 - bit, 8, dark);
  }
  put(8, size - 8, true);
  const bits = words.flatMap((word) => bitsOf(word, 8));
  let next = 0;
  for (let right = size - 1; right > 0; right -= 2) {
    if (right === 6) right = 5;
    const isUpward = ((right + 1) & 2) === 0;
    for (let step = 0; step < size; step += 1) {
      const y = isUpward ? size - 1 - step : step;
      for (const x of [right, right - 1]) {
        const row = modules[y];
        if (!row || isFixed[y]?.[x]) continue;
        row[x] = (bits[next] === 1) !== ((x + y) % 2 === 0);
        next += 1;
      }
    }
  }
  return modules;
}

const bitsOf = (value: number, length: number): number[] =>
  Array.from({ length }, (_, at) => (value >> (length - 1 - at)) & 1);
