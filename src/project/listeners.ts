import type { Context } from "./context.ts";
import { lastSequence } from "./events.ts";

/** Closing codes of a listener's socket; both say that it is of no use to come again. */
export const CLOSED = { revoked: 4401, removed: 4404 } as const;

/** The platform's bound; ids of tokens are far shorter, names of CI jobs may not be. */
const MAX_TAG = 256;
const DELIVERIES = "deliveries";
const tokenTag = (token: string): string => `token:${token}`.slice(0, MAX_TAG);

/**
 * Whoever wants to know as soon as something has happened here: WebSockets from the edge, which the object can sleep beside.
 * They carry no events, only the number of the newest: who hears of it reads on from where it was, at its own pace, so that
 * a lost message or a slow reader loses nothing.
 */
export class Listeners {
  readonly #state: DurableObjectState;
  #told = 0;
  #delivered = false;

  constructor(state: DurableObjectState) {
    this.#state = state;
  }

  /**
   * Takes the other end of a listener's socket. `token` is the id of the token that it came with; `deliveries`: it wants to hear
   * of {@link delivered}, too.
   */
  join(token: string, deliveries: boolean): Response {
    const { 0: theirs, 1: ours } = new WebSocketPair();
    this.#state.acceptWebSocket(ours, [tokenTag(token), ...(deliveries ? [DELIVERIES] : [])]);
    return new Response(null, { status: 101, webSocket: theirs });
  }

  /** A delivery came in, or was tried: pages show that, and no event tells of it. Call it within the transaction. */
  delivered(): void {
    this.#delivered = true;
  }

  /** Call it when a transaction is done. */
  tell(context: Context): void {
    const delivered = this.#delivered;
    this.#delivered = false;
    const sockets = this.#state.getWebSockets();
    if (sockets.length === 0) {
      return;
    }
    const last = lastSequence(context);
    const news = last > this.#told;
    this.#told = Math.max(last, this.#told);
    const told = news ? sockets : delivered ? this.#state.getWebSockets(DELIVERIES) : [];
    for (const socket of told) {
      socket.send(String(last));
    }
  }

  /** Ends those that came with a token, or all. */
  dismiss(code: (typeof CLOSED)[keyof typeof CLOSED], token?: string): void {
    for (const socket of this.#state.getWebSockets(
      token === undefined ? undefined : tokenTag(token),
    )) {
      socket.close(code);
    }
    if (code === CLOSED.removed) {
      this.#told = 0; // A project that is registered in its place counts anew.
    }
  }
}
