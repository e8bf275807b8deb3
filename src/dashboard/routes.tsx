import type { Api } from "../api/context.ts";
import { Problem } from "../problem.ts";
import { asking } from "./ask.ts";
import { asset } from "./assets.ts";
import { deployRoutes } from "./pages/deploy.tsx";
import { overviewRoutes } from "./pages/overview.tsx";
import { projectRoutes } from "./pages/project.tsx";
import { signInRoutes } from "./pages/sign-in.tsx";

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
  deployRoutes(api, ask);
}
