import type { Context } from "hono";

import { listenTo } from "../objects.ts";
import { CLOSED } from "../project/listeners.ts";
import { keyIn, type AppEnv } from "./context.ts";

/** How soon to try again where no socket could be had. Until then who waits looks by itself. */
const RECONNECT_MS = 1_000;

/**
 * Waits at the edge for news of the project in the path, or of several, while they may sleep. A socket that breaks is opened
 * again, and counts as news each time: what happened in between is then read.
 */
export class Watch {
  readonly #c: Context<AppEnv>;
  readonly #keys: Set<string>;
  readonly #deliveries: boolean;
  readonly #sockets = new Map<string, WebSocket>();
  #heard = 0;
  #news = false;
  #over = false;
  #wake: () => void = () => undefined;

  /** `deliveries`: what comes in through hooks, and each attempt to tell a subscriber, is news as well. */
  constructor(c: Context<AppEnv>, keys: readonly string[] = [keyIn(c)], deliveries = false) {
    this.#c = c;
    this.#keys = new Set(keys);
    this.#deliveries = deliveries;
  }

  /** Grows with all news. Where {@link next} has only run out of time it is as before. */
  get heard(): number {
    return this.#heard;
  }

  /**
   * Resolves as soon as there may be something new since the last call, at the latest after `ms`. false: nothing will come any
   * more, since the token was revoked, the project removed, or this was closed.
   */
  async next(ms: number): Promise<boolean> {
    let patience = ms;
    if (!this.#over && !(await this.#connect())) {
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
    for (const socket of this.#sockets.values()) {
      socket.close();
    }
    this.#wake();
  }

  /** Whether all that are watched can be heard. */
  async #connect(): Promise<boolean> {
    const missing = [...this.#keys].filter((key) => !this.#sockets.has(key));
    const found = await Promise.all(missing.map((key) => this.#open(key)));
    return found.every(Boolean);
  }

  async #open(key: string): Promise<boolean> {
    try {
      const { token } = this.#c.var.caller;
      const socket = await listenTo(this.#c.env, key, token, this.#deliveries);
      socket.addEventListener("message", () => this.#notice());
      socket.addEventListener("close", ({ code }) => {
        socket.close();
        if (code === CLOSED.removed) {
          this.#keys.delete(key);
        }
        this.#over ||= code === CLOSED.revoked || this.#keys.size === 0;
        this.#lose(key, socket);
      });
      socket.addEventListener("error", () => this.#lose(key, socket));
      this.#sockets.set(key, socket);
      this.#notice();
      return true;
    } catch {
      return false;
    }
  }

  #lose(key: string, socket: WebSocket): void {
    if (this.#sockets.get(key) === socket) {
      this.#sockets.delete(key);
    }
    this.#notice();
  }

  #notice(): void {
    this.#heard += 1;
    this.#news = true;
    this.#wake();
  }
}
