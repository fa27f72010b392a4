/** Who is signed in, as Argus knows them: asked once from one sign-in to the next, however many views want to know. */

export class Visitor {
  #enter;
  /** @type {Promise<Me> | null} */
  #me = null;
  #signedIn = new AbortController();

  /** @param {(signedIn: AbortSignal) => Promise<Me>} enter what to do when somebody has come; aborted when they leave */
  constructor(enter) {
    this.#enter = enter;
  }

  /** Raises what entering raises, which the next call tries again; an AbortError when they have left meanwhile. */
  async me() {
    const {signal} = this.#signedIn;
    const entering = (this.#me ??= this.#enter(signal));
    try {
      return await entering;
    } catch (error) {
      if (this.#me === entering) this.#me = null;
      throw error;
    } finally {
      signal.throwIfAborted(); // what was said of them is not said of who comes next
    }
  }

  leave() {
    this.#me = null;
    this.#signedIn.abort();
    this.#signedIn = new AbortController();
  }
}
