/** Positions in an image, in its pixels: (0, 0) is the top left pixel. */

/** The points of a polygon, or null unless the ring is valid: it comes from plugins. @param {unknown} ring */
export function polygonPoints(ring) {
  if (!Array.isArray(ring) || ring.length < 3) return null;
  const valid = ring.every((point) => Array.isArray(point) && point.length === 2 && point.every(Number.isFinite));
  return valid ? ring.map(([x, y]) => `${x},${y}`).join(" ") : null;
}

/**
 * The pixel under a pointer.
 * @param {{clientX: number, clientY: number}} pointer
 * @param {{left: number, top: number, width: number, height: number}} box the position of the image on the screen
 * @param {{width: number, height: number}} picture its size in pixels
 */
export function pixelAt(pointer, box, picture) {
  const x = Math.floor(((pointer.clientX - box.left) / box.width) * picture.width);
  const y = Math.floor(((pointer.clientY - box.top) / box.height) * picture.height);
  return within({x, y}, picture);
}

const STEPS = /** @type {Record<string, [number, number]>} */ ({
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
});

/**
 * The pixel that an arrow key moves to: by 1, with Shift by 10. Null for other keys.
 * @param {{x: number, y: number}} from
 * @param {{key: string, shiftKey: boolean}} pressed
 * @param {{width: number, height: number}} picture
 */
export function moved(from, pressed, picture) {
  const step = STEPS[pressed.key];
  if (!step) return null;
  const pixels = pressed.shiftKey ? 10 : 1;
  return within({x: from.x + step[0] * pixels, y: from.y + step[1] * pixels}, picture);
}

/** @param {{x: number, y: number}} pixel @param {{width: number, height: number}} picture */
const within = ({x, y}, {width, height}) => ({
  x: Math.min(Math.max(x, 0), width - 1),
  y: Math.min(Math.max(y, 0), height - 1),
});
