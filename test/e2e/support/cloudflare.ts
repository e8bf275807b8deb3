import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import type { Sandbox } from "../../../sandbox/types.ts";

/** One API in front of several accounts, each with a credential of its own, as Cloudflare's is. */
export async function cloudflare(
  accounts: readonly Sandbox[],
): Promise<{ readonly url: string; readonly close: () => void }> {
  const accountOf = (request: Request): string => {
    const claims = request.headers.get("authorization")?.split(".")[1] ?? "";
    const inToken = /"account_id":"(\w+)"/.exec(Buffer.from(claims, "base64url").toString());
    return (/\/accounts\/(\w+)/.exec(request.url) ?? inToken)?.[1] ?? "";
  };
  const server = createServer((incoming, outgoing) => {
    const listener = getRequestListener(
      async (request) => {
        const account = accounts.find(({ accountId }) => accountId === accountOf(request));
        return account?.fetch(request) ?? new Response("nobody's", { status: 599 });
      },
      { overrideGlobalObjects: false },
    );
    void listener(incoming, outgoing);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/client/v4`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
