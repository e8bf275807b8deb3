import { createServer } from "node:net";
import { randomInt } from "node:crypto";

/** Whether this machine's own address takes a listener on that port. */
async function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/**
 * A free port below those that systems hand out for outgoing connections: nobody's connection takes it while what
 * listened there is being restarted.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const port = randomInt(20_000, 30_000);
    if (await isFree(port)) {
      return port;
    }
  }
  throw new Error("No free port found between 20000 and 29999.");
}

/** The port asked for, or any free one for 0. */
export async function claimPort(port: number, option: string): Promise<number> {
  if (port === 0) {
    return freePort();
  }
  if (!(await isFree(port))) {
    throw new Error(
      `Port ${port} is in use. Choose another with ${option} (0 takes any free one).`,
    );
  }
  return port;
}
