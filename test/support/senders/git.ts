import { sign } from "@octokit/webhooks-methods";

import { macOf, sendsBasic, sendsHeader, textOf, type Sender } from "./sender.ts";
import { gitlabSigning } from "./standard.ts";

/** GitHub's `sha256=<hex>`, or the bare hex of those who grew from Gogs. */
function signed(
  hook: Pick<Sender, "source" | "auth">,
  header: string,
  prefix: "sha256=" | "" = "sha256=",
): Sender {
  return {
    ...hook,
    by: "@octokit/webhooks-methods",
    signsBytes: false,
    sign: async ({ secret, headers, body }) => {
      const text = textOf(body);
      // The package signs nothing that is empty; hosts do.
      const signature = text === "" ? `sha256=${macOf([], secret, {})}` : await sign(secret, text);
      return {
        headers: { ...headers, [header]: signature.replace(/^sha256=/, prefix) },
        body,
      };
    },
  };
}

export const gitSenders = {
  github: signed({ source: "github" }, "x-hub-signature-256"),
  "gitlab/token": sendsHeader({ source: "gitlab", auth: { mode: "token" } }, "x-gitlab-token"),
  "gitlab/signing_token": gitlabSigning,
  gitea: signed({ source: "gitea" }, "x-gitea-signature", ""),
  forgejo: signed({ source: "forgejo" }, "x-forgejo-signature", ""),
  gogs: signed({ source: "gogs" }, "x-gogs-signature", ""),
  bitbucket: signed({ source: "bitbucket" }, "x-hub-signature"),
  "bitbucket-server/signature": signed(
    { source: "bitbucket-server", auth: { mode: "signature" } },
    "x-hub-signature",
  ),
  "bitbucket-server/basic": sendsBasic(
    { source: "bitbucket-server", auth: { mode: "basic", username: "bitbucket" } },
    "bitbucket",
  ),
  "azure-devops/basic": sendsBasic({ source: "azure-devops", auth: { mode: "basic" } }),
  "azure-devops/header": sendsHeader(
    { source: "azure-devops", auth: { mode: "header" } },
    "x-signalbox-secret",
  ),
} as const satisfies Record<string, Sender>;
