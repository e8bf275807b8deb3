import { askProject, type Api } from "../../api/context.ts";
import type { Policy } from "../../project/policy.ts";
import type { Lock } from "../../project/shapes.ts";
import type { Ask as Asking } from "../ask.ts";
import { show } from "../frame.tsx";
import { WindowsPage } from "../parts/windows.tsx";
import { follow, onForm, textOf, timeIn } from "../posting.ts";
import { admit } from "../visitor.ts";
import { notHere } from "./project.tsx";

const HOUR_MS = 3_600_000;

export function windowRoutes(api: Api, ask: Asking): void {
  const path = "/projects/:project/windows";

  for (const address of [path, "/projects/:project/lock"]) {
    api.get(address, async (c) => {
      const visitor = await admit(c, "project");
      const overview = await askProject(c, (p) => p.overview());
      if (overview === null) {
        throw notHere();
      }
      const branch = c.req.query("branch")?.slice(0, 255) || null;
      const hours = Number(c.req.query("hours") ?? "");
      const at = hours > 0 && hours <= 8_760 ? Date.now() + hours * HOUR_MS : null;
      const asked = { branch, kind: "build", trigger_kind: "hook", at } as const;
      const explained =
        c.req.query("explain") === undefined
          ? null
          : await askProject(c, (p) => p.explainPolicy(asked));
      return show(c, {
        title: `Windows and locks · ${overview.project.project}`,
        reader: visitor,
        visitor,
        at: "projects",
        children: (
          <WindowsPage
            of={overview}
            visitor={visitor}
            locking={address.endsWith("/lock")}
            explained={explained}
            branch={branch}
          />
        ),
      });
    });
  }

  onForm(api, "/projects/:project/locks", async (c, visitor, form) => {
    const until = timeIn(form, "hours", HOUR_MS);
    const environment = textOf(form, "environment");
    const holder = textOf(form, "holder");
    const body = {
      reason: textOf(form, "reason") ?? "",
      ...(environment !== undefined && { environment }),
      ...(holder !== undefined && { holder }),
      ...(until !== undefined && { until }),
    };
    const reply = await ask<Lock>(c, visitor, "POST", "/locks", body);
    const to = `/projects/${c.req.param("project")}`;
    const done = "Locked. What runs goes on; what comes waits.";
    return follow(c, reply, { done, not: "Not locked" }, to, `${to}/lock`);
  });

  onForm(api, "/projects/:project/locks/:id/unlock", async (c, visitor) => {
    const to = `/projects/${c.req.param("project")}`;
    const reply = await ask<null>(
      c,
      visitor,
      "DELETE",
      `/locks/${encodeURIComponent(c.req.param("id") ?? "")}`,
    );
    return follow(c, reply, { done: "Unlocked.", not: "Not unlocked" }, to, `${to}/windows`);
  });

  onForm(api, path, async (c, visitor, form) => {
    const to = `/projects/${c.req.param("project")}/windows`;
    const { policy, revision } = (await askProject(c, (p) => p.policy())) ?? notHereAnyMore();
    const removed = textOf(form, "remove");
    const windows =
      removed === undefined
        ? [...policy.windows, windowIn(form)]
        : policy.windows.filter((window) => JSON.stringify(window) !== removed);
    // Against the rules as they were read: whoever was faster is not overwritten.
    const match = { "if-match": `"${revision}"` };
    const reply = await ask<Policy>(c, visitor, "PATCH", "/policy", { windows }, match);
    const done = removed === undefined ? "The window is added." : "The window is taken away.";
    return follow(c, reply, { done, not: "Nothing changed" }, to);
  });
}

function notHereAnyMore(): never {
  throw notHere();
}

function windowIn(form: URLSearchParams): object {
  return {
    action: textOf(form, "action") ?? "deny",
    environment: textOf(form, "environment") ?? null,
    cron: textOf(form, "cron") ?? "",
    duration_minutes: Math.round(Number(textOf(form, "hours") ?? "0") * 60),
    time_zone: textOf(form, "time_zone") ?? "UTC",
    reason: textOf(form, "reason") ?? null,
  };
}
