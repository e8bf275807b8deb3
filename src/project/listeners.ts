import type { Context } from "./context.ts";
import { lastSequence } from "./events.ts";

/** Closing codes of a listener's socket; both say that it is of no use to come again. */
export const CLOSED = { revoked: 4401, removed: 4404 } as const;

/** The platform's bound; ids of tokens are far shorter, names of CI jobs may not be. */
const MAX_TAG = 256;

/**
 * Whoever wants to know as soon as something has happened here: WebSockets from the edge, which the object can sleep beside.
 * They carry no events, only the number of the newest: who hears of it reads on from where it was, at its own pace, so that
 * a lost message or a slow reader loses nothing.
 */
export class Listeners {
  readonly #state: DurableObjectState;
  #told = 0;

  constructor(state: DurableObjectState) {
    this.#state = state;
  }

  /** Takes the other end of a listener's socket. `token` is the id of the token that it came with. */
  join(token: string): Response {
    const { 0: theirs, 1: ours } = new WebSocketPair();
    this.#state.acceptWebSocket(ours, [token.slice(0, MAX_TAG)]);
    return new Response(null, { status: 101, webSocket: theirs });
  }

  /** Call it when a transaction is done. */
  tell(context: Context): void {
    const sockets = this.#state.getWebSockets();
    if (sockets.length === 0) {
      return;
    }
    const last = lastSequence(context);
    if (last > this.#told) {
      this.#told = last;
      for (const socket of sockets) {
        socket.send(String(last));
      }
    }
  }

  /** Ends those that came with a token, or all. */
  dismiss(code: (typeof CLOSED)[keyof typeof CLOSED], token?: string): void {
    for (const socket of this.#state.getWebSockets(token)) {
      socket.close(code);
    }
    if (code === CLOSED.removed) {
      this.#told = 0; // A project that is registered in its place counts anew.
    }
  }
}
