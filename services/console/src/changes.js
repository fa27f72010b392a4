/**
 * Change events over a WebSocket. An event only ends a pause between two polls early: the state is always read from the
 * API. Without events, polling continues as usual.
 */

import {pause} from "./polling.js";
import {NotSignedIn} from "./session.js";

const RECONNECT_MS = 15_000; // polling continues in the meantime

export class Changes {
  #url;
  #session;
  #events = new EventTarget();

  /** @param {string} url @param {{token(): Promise<string>}} session */
  constructor(url, session) {
    this.#url = url;
    this.#session = session;
  }

  /** Receive events until the signal aborts or the session ends. Reconnects when the connection is lost. @param {AbortSignal} signal */
  async listen(signal) {
    while (!signal.aborted) {
      try {
        await this.#connect(await this.#session.token(), signal);
      } catch (error) {
        if (error instanceof NotSignedIn) return; // the next request of a view reports it
        // Other errors may be transient, such as a lost network while the token was renewed: reconnect.
      }
      await pause(RECONNECT_MS, signal).catch(() => {}); // aborted: the loop ends
    }
  }

  /** Like `pause`, but ends as soon as there is an event for `id`. @param {string} id @param {number} ms @param {AbortSignal} [signal] */
  async pause(id, ms, signal) {
    const ended = new AbortController();
    const event = new Promise((resolve) =>
      this.#events.addEventListener(id, resolve, {once: true, signal: ended.signal}),
    );
    try {
      await Promise.race([event, pause(ms, signal)]);
    } finally {
      ended.abort();
    }
  }

  /** @param {string} token @param {AbortSignal} signal @returns {Promise<void>} */
  #connect(token, signal) {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve(); // signed out while the token was renewed
      // The token is a subprotocol: browsers cannot set headers here, and a query string would appear in access logs.
      const socket = new WebSocket(this.#url, ["argus.v1", `bearer.${token}`]);
      // Browsers log an error if a connection is closed before it is established: then it is closed as soon as it is.
      const close = () => {
        if (socket.readyState === WebSocket.CONNECTING) socket.onopen = () => socket.close();
        else socket.close();
      };
      signal.addEventListener("abort", close, {once: true});
      socket.onmessage = ({data}) => this.#dispatch(data);
      socket.onclose = () => {
        signal.removeEventListener("abort", close);
        resolve();
      };
    });
  }

  /** Dispatch an event. Other messages are ignored. @param {any} data */
  #dispatch(data) {
    try {
      const {id} = JSON.parse(data);
      if (typeof id === "string") this.#events.dispatchEvent(new Event(id));
    } catch {
      // not JSON, or null
    }
  }
}
