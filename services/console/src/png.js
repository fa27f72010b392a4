/** PNG files in another palette. Source: Portable Network Graphics, third edition (W3C), 5 and annex D (checksums). */

const SIGNATURE_BYTES = 8;
const FRAME_BYTES = 12; // of a chunk beside its content: length, name, checksum
const PLTE = 0x504c5445;

/** A copy of an indexed PNG in other colours. @param {Uint8Array} png @param {string} colours in hexadecimal digits */
export function withPalette(png, colours) {
  const file = Uint8Array.from(png);
  const view = new DataView(file.buffer);
  const content = Uint8Array.from(colours.match(/../g) ?? [], (digits) => parseInt(digits, 16));
  for (let start = SIGNATURE_BYTES; start + FRAME_BYTES <= file.length; start += FRAME_BYTES + view.getUint32(start)) {
    if (view.getUint32(start + 4) !== PLTE) continue;
    if (view.getUint32(start) !== content.length) break;
    const end = start + 8 + content.length;
    file.set(content, start + 8);
    view.setUint32(end, checksum(file.subarray(start + 4, end)));
    return file;
  }
  throw new Error(`the file is not a PNG with ${content.length / 3} colours`);
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
