/** The sandbox as a Worker, for `workerd.test.ts`. */
import { createSandbox } from "../../sandbox/app.ts";

const sandbox = createSandbox({ speed: { factor: 0 } });

export default {
  fetch: (request: Request): Promise<Response> => sandbox.fetch(request),
};
