import type { Api } from "../api/context.ts";
import { Problem } from "../problem.ts";
import { asking } from "./ask.ts";
import { asset } from "./assets.ts";
import { liveRoutes } from "./live.ts";
import { accessRoutes } from "./pages/access.tsx";
import { accountRoutes } from "./pages/accounts.tsx";
import { actionRoutes } from "./pages/actions.tsx";
import { badgeRoutes } from "./pages/badge.tsx";
import { deployRoutes } from "./pages/deploy.tsx";
import { eventRoutes } from "./pages/events.tsx";
import { hookRoutes } from "./pages/hooks.tsx";
import { numberRoutes } from "./pages/numbers.tsx";
import { overviewRoutes } from "./pages/overview.tsx";
import { policyRoutes } from "./pages/policy.tsx";
import { projectRoutes } from "./pages/project.tsx";
import { referenceRoute } from "./pages/reference.tsx";
import { registerRoutes } from "./pages/register.tsx";
import { scheduleRoutes } from "./pages/schedules.tsx";
import { settingRoutes } from "./pages/settings.tsx";
import { signInRoutes } from "./pages/sign-in.tsx";
import { subscriberRoutes } from "./pages/subscribers.tsx";
import { tokenRoutes } from "./pages/tokens.tsx";
import { uploadRoutes } from "./pages/upload.tsx";
import { windowRoutes } from "./pages/windows.tsx";

const WITH_ACTIONS = [
  registerRoutes,
  deployRoutes,
  actionRoutes,
  hookRoutes,
  subscriberRoutes,
  scheduleRoutes,
  windowRoutes,
  policyRoutes,
  badgeRoutes,
  tokenRoutes,
  accountRoutes,
  accessRoutes,
];

/** Door 4: pages for people, that work without script and without anything from another host. */
export function dashboard(api: Api): void {
  api.get("/assets/:version/:name", (c) => {
    const found = asset(c.req.param("version"), c.req.param("name"));
    if (found === null) {
      throw new Problem("not_found", "There is no such file any more. Load the page again.");
    }
    return found;
  });
  signInRoutes(api);
  overviewRoutes(api);
  projectRoutes(api);
  const ask = asking(api);
  for (const routes of WITH_ACTIONS) {
    routes(api, ask);
  }
  eventRoutes(api);
  numberRoutes(api);
  settingRoutes(api);
  uploadRoutes(api);
  liveRoutes(api);
  referenceRoute(api);
}
