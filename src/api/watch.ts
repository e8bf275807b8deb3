import type { Context } from "hono";

import { listenTo } from "../objects.ts";
import { CLOSED } from "../project/listeners.ts";
import { keyIn, type AppEnv } from "./context.ts";

/** How soon to try again where no socket could be had. Until then who waits looks by itself. */
const RECONNECT_MS = 1_000;

/**
 * Waits at the edge for news of the project in the path, while the project may sleep. A socket that breaks is opened again, and
 * counts as news each time: what happened in between is then read.
 */
export class Watch {
  readonly #c: Context<AppEnv>;
  #socket: WebSocket | null = null;
  #news = false;
  #over = false;
  #wake: () => void = () => undefined;

  constructor(c: Context<AppEnv>) {
    this.#c = c;
  }

  /**
   * Resolves as soon as there may be something new since the last call, at the latest after `ms`. false: nothing will come any
   * more, since the token was revoked, the project removed, or this was closed.
   */
  async next(ms: number): Promise<boolean> {
    let patience = ms;
    if (this.#socket === null && !this.#over && !(await this.#connect())) {
      patience = Math.min(ms, RECONNECT_MS);
    }
    if (!this.#news && !this.#over) {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await Promise.race([woken, scheduler.wait(patience)]);
    }
    this.#news = false;
    return !this.#over;
  }

  close(): void {
    this.#over = true;
    this.#socket?.close();
    this.#wake();
  }

  async #connect(): Promise<boolean> {
    try {
      const socket = await listenTo(this.#c.env, keyIn(this.#c), this.#c.var.caller.token);
      socket.addEventListener("message", () => this.#notice());
      socket.addEventListener("close", ({ code }) => {
        socket.close();
        this.#over ||= code === CLOSED.revoked || code === CLOSED.removed;
        this.#lose(socket);
      });
      socket.addEventListener("error", () => this.#lose(socket));
      this.#socket = socket;
      this.#news = true;
      return true;
    } catch {
      return false;
    }
  }

  #lose(socket: WebSocket): void {
    if (this.#socket === socket) {
      this.#socket = null;
    }
    this.#notice();
  }

  #notice(): void {
    this.#news = true;
    this.#wake();
  }
}
