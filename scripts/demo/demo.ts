import type { Stack } from "../lib/stack.ts";
import type { Checks } from "./checks.ts";
import type { Pages } from "./pages.ts";
import type { Paper } from "./paper.ts";
import type { Receiver } from "./receiver.ts";
import type { Signalbox } from "./signalbox.ts";

/** What each part of the demo works with. */
export interface Demo {
  readonly paper: Paper;
  readonly checks: Checks;
  readonly stack: Stack;
  readonly signalbox: Signalbox;
  readonly pages: Pages;
  readonly receiver: Receiver;
  /** The git project it registers. */
  readonly project: string;
}

/** A hook as it was made, secrets included. */
export interface Hook {
  readonly id: string;
  readonly url: string;
  readonly secret: string;
}
