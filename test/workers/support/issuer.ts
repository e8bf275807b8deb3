import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from "jose";

import type { World } from "./world.ts";

interface Key {
  readonly private: CryptoKey;
  readonly public: JWK;
}

const BASE = {
  github: {
    iss: "https://token.actions.githubusercontent.com",
    sub: "repo:acme/site:ref:refs/heads/main",
    repository: "acme/site",
    repository_id: "4711",
    ref: "refs/heads/main",
    job_workflow_ref: "acme/site/.github/workflows/deploy.yml@refs/heads/main",
    run_id: "123",
  },
  gitlab: {
    iss: "https://gitlab.com",
    sub: "project_path:acme/site:ref_type:branch:ref:main",
    project_path: "acme/site",
    project_id: "4711",
    ref: "main",
    ref_path: "refs/heads/main",
    ci_config_ref_uri: "gitlab.com/acme/site//.gitlab-ci.yml@refs/heads/main",
    pipeline_id: "123",
  },
  access: {
    iss: "https://acme.cloudflareaccess.com",
    type: "app",
    email: "ada@example.com",
    sub: "7335d417-61da-459d-899c-0a01c76a2f94",
    identity_nonce: "6ei69kawdKzMIAPF",
    country: "GB",
  },
} as const;

const KEYS = {
  github: "/.well-known/jwks",
  gitlab: "/oauth/discovery/keys",
  access: "/cdn-cgi/access/certs",
} as const;

/** The AUD tags that the Worker under test is configured with. */
export const AUD = ["a".repeat(64), "b".repeat(64)] as const;

/** What Access says of a service, in the place of what it says of a person. */
export const SERVICE = {
  email: undefined,
  identity_nonce: undefined,
  country: undefined,
  nbf: undefined,
  sub: "",
  common_name: "e367826f93b8d71185e03fe518aff3b4.access",
} as const;

/** A provider of CI, or the login of Cloudflare Access, with keys of its own, that answers where the real one has its keys. */
export class Issuer {
  /** Those that it publishes. */
  published: JWK[] = [];
  /** How often it was asked for them. */
  asked = 0;
  /** In the place of its keys, when set. */
  answer: (() => Response | Promise<Response>) | null = null;
  readonly #kind: keyof typeof BASE;
  readonly #keys: Record<string, Key> = {};
  readonly #audience: string | readonly string[];

  private constructor(kind: keyof typeof BASE, audience: string | readonly string[]) {
    this.#kind = kind;
    this.#audience = audience;
  }

  static async in(
    world: World,
    kind: keyof typeof BASE,
    audience: string | readonly string[],
  ): Promise<Issuer> {
    const issuer = new Issuer(kind, audience);
    world.sites.set(new URL(BASE[kind].iss).host, (request) => {
      issuer.asked += 1;
      return new URL(request.url).pathname === KEYS[kind]
        ? (issuer.answer?.() ?? Response.json({ keys: issuer.published }))
        : new Response(null, { status: 404 });
    });
    await issuer.addKey("k1");
    // Keys that were fetched in an earlier test are too old to be used.
    world.pass(11 * 60_000);
    return issuer;
  }

  get url(): string {
    return BASE[this.#kind].iss;
  }

  async addKey(kid: string, alg: "RS256" | "ES256" = "RS256"): Promise<void> {
    const pair = await generateKeyPair(alg, { extractable: true });
    const jwk = { ...(await exportJWK(pair.publicKey)), kid, alg, use: "sig" };
    this.#keys[kid] = { private: pair.privateKey, public: jwk };
    this.published.push(jwk);
  }

  /** The public half of a key. */
  jwk(kid = "k1"): JWK {
    return this.#keys[kid]?.public ?? {};
  }

  claims(more: Record<string, unknown> = {}): Record<string, unknown> {
    const now = Math.floor(Date.now() / 1_000);
    // Well before, as GitHub has it.
    const times = { iat: now, nbf: now - 600, exp: now + 300 };
    return { ...BASE[this.#kind], aud: this.#audience, ...times, ...more };
  }

  /** A job's token; `undefined` takes a claim away. */
  token(more: Record<string, unknown> = {}, kid = "k1", named = kid): Promise<string> {
    const key = this.#keys[kid];
    if (key === undefined) {
      throw new Error(`no key ${kid}`);
    }
    return new SignJWT(this.claims(more))
      .setProtectedHeader({ alg: key.public.alg ?? "", kid: named, typ: "JWT" })
      .sign(key.private);
  }
}
