import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_BRANCH, REPOSITORY } from "../../../scripts/demo/github.ts";
import { send } from "../../../scripts/demo/http.ts";
import type { Reply } from "../../../scripts/demo/http.ts";
import { Receiver } from "../../../scripts/demo/receiver.ts";
import { until } from "../../../scripts/demo/wait.ts";
import { freePort } from "../../../scripts/lib/port.ts";
import { localSecrets } from "../../../scripts/lib/secrets.ts";
import { startWorker } from "../../../scripts/lib/workerd.ts";
import type { WorkerProcess } from "../../../scripts/lib/workerd.ts";
import { Sentinels } from "../../support/sentinels.ts";
import { Upstream } from "./upstream.ts";
import { ends } from "./world.ts";

/** Not a secret, and to be found wherever something is looked for: else the search itself is broken. */
export const CANARY = `canary-${randomBytes(8).toString("hex")}`;
export const PROJECT = "quiet";
export const BASE = `/v1/projects/${PROJECT}`;

const JSON_TYPE = { "content-type": "application/json" };

/** A Signalbox whose every word is written down, between a Cloudflare and receivers that tell whatever they know. */
export class LeakyWorld {
  readonly dir: string;
  readonly upstream: Upstream;
  readonly worker: WorkerProcess;
  readonly sentinels: Sentinels;
  readonly apiToken: string;
  /** What Cloudflare would take for another account. */
  readonly furtherToken = `further-${randomBytes(20).toString("hex")}`;
  /** What Cloudflare takes for uploads, which is sealed in what we give out. */
  readonly uploadTokens: string[] = [];
  readonly receivers: Receiver[] = [];
  readonly #chats: Server[] = [];
  /** Every answer, without what was shown in it once on purpose. */
  readonly answers: string[] = [];
  /** Every answer as it came. */
  readonly #heard: string[] = [];
  readonly #shown = new Map<string, string>();
  /** What a careless other side says: what it may have come to know, its own secret and the owner's tokens among it. */
  gossip: string;
  readonly owner: string;

  private constructor(
    parts: Pick<LeakyWorld, "dir" | "upstream" | "worker" | "sentinels" | "apiToken">,
    owner: string,
  ) {
    this.dir = parts.dir;
    this.upstream = parts.upstream;
    this.worker = parts.worker;
    this.sentinels = parts.sentinels;
    this.apiToken = parts.apiToken;
    this.owner = owner;
    this.sentinels.add("the credential of a further account", this.furtherToken);
    this.gossip = `${owner}\n${parts.apiToken}\nAuthorization: Bearer ${parts.apiToken}\n`;
  }

  /** With one git project, registered. */
  static async start(): Promise<LeakyWorld> {
    const dir = await mkdtemp(join(tmpdir(), "signalbox-hygiene-"));
    const apiToken = `cloudflare-${randomBytes(20).toString("hex")}`;
    const upstream = await Upstream.start(apiToken);
    const { keys, token: owner } = await localSecrets(dir);
    const sentinels = new Sentinels();
    sentinels.addBase64("the key", keys);
    sentinels.add("the owner's token", owner);
    sentinels.add("the API token", apiToken);
    const worker = await startWorker({
      port: await freePort(),
      stateDir: join(dir, "signalbox"),
      vars: {
        SIGNALBOX_KEYS: keys,
        CLOUDFLARE_ACCOUNT_ID: upstream.sandbox.accountId,
        CLOUDFLARE_API_TOKEN: apiToken,
        CLOUDFLARE_API_BASE_URL: `${upstream.url}/client/v4`,
        SIGNALBOX_LOCAL: "1",
      },
    });
    const world = new LeakyWorld({ dir, upstream, worker, sentinels, apiToken }, owner);
    upstream.sandbox.addProject({
      name: PROJECT,
      source: REPOSITORY,
      production_branch: DEFAULT_BRANCH,
    });
    await world.ask("PUT", BASE, { native_builds: "off" });
    return world;
  }

  async stop(): Promise<void> {
    this.receivers.forEach((receiver) => receiver.close());
    this.#chats.forEach((chat) => chat.close().closeAllConnections());
    this.upstream.close();
    await this.worker.stop();
    await rm(this.dir, { recursive: true, force: true, maxRetries: 3 });
  }

  /** A request of the owner's, its answer written down. */
  async ask(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Reply> {
    return this.note(await this.send(method, path, body, headers));
  }

  /** Makes something whose answer shows these fields once; the rest of it is written down. */
  async make(
    method: string,
    path: string,
    body: unknown,
    shownOnce: readonly string[],
  ): Promise<Record<string, string>> {
    const reply = await this.send(method, path, body);
    if (reply.status !== 201 && reply.status !== 200) {
      throw new Error(`${method} ${path} was answered ${reply.status}: ${reply.text}`);
    }
    const made = reply.json as Record<string, string>;
    const rest = Object.entries(made).filter(([field]) => !shownOnce.includes(field));
    this.note({ ...reply, text: JSON.stringify(Object.fromEntries(rest)) });
    return made;
  }

  /** A secret that exactly one answer is to show. */
  shown(name: string, secret: string): void {
    this.sentinels.add(name, secret);
    this.#shown.set(name, secret);
  }

  /** In how many answers each of those is. */
  timesShown(): Record<string, number> {
    const times = (secret: string): number =>
      this.#heard.filter((text) => text.includes(secret)).length;
    return Object.fromEntries([...this.#shown].map(([name, secret]) => [name, times(secret)]));
  }

  /** Whatever came, before anything is taken out of it. */
  hear(reply: Reply): Reply {
    this.#heard.push(`${JSON.stringify([...reply.headers])}\n${reply.text}`);
    return reply;
  }

  note(reply: Reply): Reply {
    this.answers.push(`${JSON.stringify([...reply.headers])}\n${reply.text}`);
    return reply;
  }

  /** A receiver that is told everything, and answers with all it knows. */
  async subscribe(status: number): Promise<void> {
    const receiver = await Receiver.start();
    this.receivers.push(receiver);
    const own = `own-header-${randomBytes(16).toString("hex")}`;
    this.sentinels.add("a subscriber's own header", own);
    const headers = { "x-own": `Token ${own}` };
    const body = { url: receiver.url, events: ["*"], kind: "webhook", headers };
    const made = await this.make("POST", `${BASE}/subscribers`, body, ["secret"]);
    const { id = "", secret = "" } = made;
    this.sentinels.addBase64(`the secret of ${id}`, secret.replace("whsec_", ""));
    this.gossip += `${secret}\n`;
    receiver.trust(secret);
    receiver.answer = (heard) => ({
      status,
      body: `${CANARY}\n${this.gossip}\n${JSON.stringify(heard.headers)}\n${heard.body}`,
    });
  }

  /** A chat that tells the address it was asked at, and a git host that can't be reached. Both keep what they were given. */
  async subscribeOthers(): Promise<void> {
    const chat = createServer((request, response) => {
      response.writeHead(500).end(`${CANARY} ${request.url} ${this.gossip}`);
    });
    this.#chats.push(chat);
    await new Promise<void>((resolve) => chat.listen(0, "127.0.0.1", resolve));
    const host = `127.0.0.1:${(chat.address() as AddressInfo).port}`;
    const [path, token, newer] = ["chat", "write-back", "newer-write-back"].map(
      (name) => `${name}-${randomBytes(16).toString("hex")}`,
    );
    this.sentinels.add("the URL of a chat", path ?? "");
    this.sentinels.add("a write-back token", token ?? "");
    this.sentinels.add("the write-back token after it", newer ?? "");
    const url = `http://${host}/services/${path}`;
    const api_url = `https://${host}/api/v1`;
    const given = { kind: "gitea", repository: "acme/quiet", api_url, token };
    for (const [body, type, change] of [
      [{ kind: "slack", url }, "test.ping", { url }],
      [given, "deploy.failed", { token: newer }],
    ] as const) {
      const made = (await this.ask("POST", `${BASE}/subscribers`, body)).json as { id: string };
      const at = `${BASE}/subscribers/${made.id}`;
      await this.ask("PATCH", at, change);
      await this.ask("POST", `${at}/test`, { type });
      await until("an attempt to fail", async () => {
        const { json } = await this.ask("GET", at);
        return (json as { last_attempt: object | null }).last_attempt !== null;
      });
      await this.ask("GET", `${at}/deliveries`);
    }
  }

  /** Until the first receiver has heard of so many ends. */
  async told(count: number): Promise<void> {
    const [receiver] = this.receivers;
    await until("an end to be told", () => ends(receiver?.events() ?? []).length >= count);
  }

  /** The same, its answer not written down. */
  async send(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Reply> {
    const init = {
      method,
      headers: { authorization: `Bearer ${this.owner}`, ...JSON_TYPE, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    };
    return this.hear(await send(this.worker.url + path, init));
  }
}
