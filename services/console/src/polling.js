/** Polling with increasing pauses, until a final state. */

const FIRST_PAUSE_MS = 400;
const LONGEST_PAUSE_MS = 8_000;

/** Resolves after some milliseconds; rejects when the signal aborts. @param {number} ms @param {AbortSignal} [signal] */
export function pause(ms, signal) {
  return new Promise((/** @type {(value: void) => void} */ resolve, reject) => {
    signal?.throwIfAborted();
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", aborted, {once: true});
    function done() {
      signal?.removeEventListener("abort", aborted);
      resolve();
    }
    function aborted() {
      clearTimeout(timer);
      reject(signal?.reason);
    }
  });
}

/**
 * @template T
 * @param {() => Promise<T>} read
 * @param {{isFinal: (value: T) => boolean, onValue?: (value: T) => void, signal: AbortSignal, wait?: typeof pause}} options
 * @returns {Promise<T>} the final value
 */
export async function poll(read, {isFinal, onValue = () => {}, signal, wait = pause}) {
  for (let ms = FIRST_PAUSE_MS; ; ms = Math.min(ms * 1.6, LONGEST_PAUSE_MS)) {
    const value = await read();
    onValue(value);
    if (isFinal(value)) return value;
    await wait(ms, signal);
  }
}
