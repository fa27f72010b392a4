/**
 * PNG files in another palette, and the colour bar in a preview.
 * Source: Portable Network Graphics, third edition (W3C), 5 and annex D (checksums).
 */

const SIGNATURE_BYTES = 8;
const FRAME_BYTES = 12; // of a chunk beside its content: length, name, checksum
const PLTE = 0x504c5445;
const CB_AR = 0x63624152; // cbAR: a whole PNG

/** A copy of an indexed PNG in other colours. @param {Uint8Array} png @param {string} colours in hexadecimal digits */
export function withPalette(png, colours) {
  const file = new Uint8Array(png);
  const content = Uint8Array.from(colours.match(/../g) ?? [], (digits) => parseInt(digits, 16));
  const palette = contentOf(file, PLTE);
  if (palette?.length !== content.length) throw new Error(`the file is not a PNG with ${content.length / 3} colours`);
  palette.set(content);
  const [start, end] = [palette.byteOffset, palette.byteOffset + content.length];
  new DataView(file.buffer).setUint32(end, checksum(file.subarray(start - 4, end)));
  return file;
}

/** The colour bar in the preview that the worker stored, a PNG. @param {Uint8Array} preview */
export function colourBarIn(preview) {
  const colourBar = contentOf(preview, CB_AR);
  if (!colourBar) throw new Error("the file is not a PNG with a colour bar");
  return colourBar;
}

/** The content of the first chunk with this name, not copied. @param {Uint8Array} png @param {number} name */
function contentOf(png, name) {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  for (let start = SIGNATURE_BYTES; start + FRAME_BYTES <= png.length; start += FRAME_BYTES + view.getUint32(start)) {
    if (view.getUint32(start + 4) === name) return png.subarray(start + 8, start + 8 + view.getUint32(start));
  }
}

/** @param {Uint8Array} bytes */
function checksum(bytes) {
  let rest = ~0;
  for (const byte of bytes) {
    rest ^= byte;
    for (let bit = 0; bit < 8; bit += 1) rest = (rest >>> 1) ^ (rest & 1 ? 0xedb88320 : 0);
  }
  return ~rest >>> 0;
}
