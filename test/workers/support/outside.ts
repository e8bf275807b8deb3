import { createSandbox } from "../../../sandbox/app.ts";
import type { Project, Sandbox, SandboxOptions } from "../../../sandbox/types.ts";
import type { Event } from "../../../src/project/shapes.ts";

const API_HOST = "api.cloudflare.test";
const CALL_TIMEOUT_MS = 60_000;

export type Account = Pick<SandboxOptions, "accountId" | "token">;

export type Receiver = (request: Request) => Response | Promise<Response>;

/** What a project meets outside: the sandbox in Cloudflare's place, with one Pages project, and any number of receivers. */
export class Outside {
  readonly sandbox: Sandbox;
  /** Cloudflare's other accounts, by id. */
  readonly accounts: Map<string, Sandbox>;
  readonly name: string;
  readonly receivers: Map<string, Receiver>;
  /** What else there is outside, by host. */
  readonly sites: Map<string, Receiver>;
  /** What the receivers got, by host. */
  readonly received: Map<string, { id: string; body: Event; headers: Headers }[]>;

  /** @param beside with the same things outside as another project, in the same account unless another one is given */
  constructor(name: string, account: Account = {}, beside: Outside | null = null) {
    this.name = name;
    this.accounts = beside?.accounts ?? new Map();
    this.receivers = beside?.receivers ?? new Map();
    this.sites = beside?.sites ?? new Map();
    this.received = beside?.received ?? new Map();
    this.sandbox =
      beside !== null && account.accountId === undefined
        ? beside.sandbox
        : createSandbox({
            ...account,
            now: () => Date.now(),
            hang: async () => {
              await this.wait(CALL_TIMEOUT_MS);
              throw new DOMException("The operation timed out.", "TimeoutError");
            },
          });
    if (beside !== null) {
      this.accounts.set(this.sandbox.accountId, this.sandbox);
    }
  }

  /** A call that hangs is a call that times out; nobody waits for it here, unless calls take their time. */
  async wait(_ms: number): Promise<void> {}

  /** Makes the Pages project; Cloudflare's own builds of one that is connected to git are off. */
  async addPagesProject(source: "git" | "direct_upload"): Promise<Project> {
    const { name } = this;
    const project = this.sandbox.addProject(
      source === "git" ? { name, source: `acme/${name}` } : { name },
    );
    if (source === "git") {
      await this.api("PATCH", "", {
        source: {
          config: { production_deployments_enabled: false, preview_deployment_setting: "none" },
        },
      });
    }
    return project;
  }

  /** Somebody else's call to Cloudflare about this project. */
  api(method: string, path: string, body?: object | FormData): Promise<Response> {
    const { accountId, token } = this.sandbox;
    return this.sandbox.fetch(
      new Request(
        `https://${API_HOST}/client/v4/accounts/${accountId}/pages/projects/${this.name}${path}`,
        {
          method,
          headers: { authorization: `Bearer ${token}` },
          body:
            body === undefined || body instanceof FormData ? (body ?? null) : JSON.stringify(body),
        },
      ),
    );
  }

  /** Deployments that the sandbox really made for this project. */
  created(): string[] {
    const made = this.sandbox
      .journal()
      .requests.filter(
        (r) =>
          r.method === "POST" &&
          r.project === this.name &&
          r.path.endsWith("/deployments") &&
          r.deployment !== null,
      );
    return made.map((r) => r.deployment ?? "");
  }

  /** The deployment that serves production, by Cloudflare. */
  live(environment: "production" | "preview" = "production", branch?: string): string | null {
    const changes = this.sandbox
      .journal()
      .live.filter(
        (l) =>
          l.project === this.name &&
          l.environment === environment &&
          (branch === undefined || l.branch === branch),
      );
    return changes.at(-1)?.deployment ?? null;
  }

  /** Where every request of the Worker ends up. */
  protected async answer(request: Request): Promise<Response> {
    const { host } = new URL(request.url);
    if (host === API_HOST) {
      return (this.accounts.get(accountOf(request)) ?? this.sandbox).fetch(request);
    }
    if (host.endsWith(".pages.dev")) {
      return this.sandbox.fetch(request);
    }
    const site = this.sites.get(host);
    if (site !== undefined) {
      return site(request);
    }
    const receiver = this.receivers.get(host);
    if (receiver === undefined) {
      throw new TypeError(`nobody at ${host}`);
    }
    const response = await receiver(request.clone());
    if (response.ok) {
      const body = JSON.parse(await request.text()) as Event;
      const got = this.received.get(host) ?? [];
      got.push({
        id: request.headers.get("webhook-id") ?? "",
        body,
        headers: request.headers,
      });
      this.received.set(host, got);
    }
    return response;
  }
}

/** The account that a call is about: by its path, or where assets are uploaded, by the upload token. */
function accountOf(request: Request): string {
  const [, inPath] = /\/accounts\/([^/]+)/.exec(new URL(request.url).pathname) ?? [];
  const claims = request.headers.get("authorization")?.split(".")[1] ?? "";
  return inPath ?? /"account_id":"([^"]+)"/.exec(decode(claims))?.[1] ?? "";
}

function decode(base64url: string): string {
  return atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
}
