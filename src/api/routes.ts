import { hookDoor } from "../hooks/receive.ts";
import { accessRoutes } from "./access-rules.ts";
import { accountRoutes } from "./accounts.ts";
import { badgeRoutes } from "./badge.ts";
import type { Api } from "./context.ts";
import { createDeployRoute } from "./create.ts";
import { deployRoutes } from "./deploys.ts";
import { documentRoute } from "./document.ts";
import { eventRoutes } from "./events.ts";
import { healthRoute } from "./health.ts";
import { exportRoute } from "./export.ts";
import { exchangeRoute } from "./exchange.ts";
import { explainRoute } from "./explain.ts";
import { holdRoutes } from "./holds.ts";
import { hookSetupRoutes } from "./hook-setup.ts";
import { hookRoutes } from "./hooks.ts";
import { importRoute } from "./import.ts";
import { instanceRoutes } from "./instance.ts";
import { lockRoutes } from "./locks.ts";
import { metricRoutes } from "./metrics.ts";
import { numberRoutes } from "./numbers.ts";
import { policyRoutes } from "./policy.ts";
import { projectRoutes } from "./projects.ts";
import { registerRoute } from "./register.ts";
import { rollbackRoutes } from "./rollback.ts";
import { scheduleRoutes } from "./schedules.ts";
import { sourceRoute } from "./sources.ts";
import { subscriberRoutes } from "./subscribers.ts";
import { deliveryRoutes } from "./deliveries.ts";
import { tokenRoutes } from "./tokens.ts";
import { trustRoutes } from "./trust.ts";

/** Every route, in the order of the document; the document itself comes last. */
export const routes: readonly ((api: Api) => void)[] = [
  projectRoutes,
  registerRoute,
  exportRoute,
  importRoute,
  accountRoutes,
  createDeployRoute,
  deployRoutes,
  holdRoutes,
  rollbackRoutes,
  policyRoutes,
  lockRoutes,
  sourceRoute,
  hookSetupRoutes,
  hookRoutes,
  explainRoute,
  hookDoor,
  subscriberRoutes,
  deliveryRoutes,
  scheduleRoutes,
  eventRoutes,
  numberRoutes,
  badgeRoutes,
  tokenRoutes,
  trustRoutes,
  exchangeRoute,
  accessRoutes,
  instanceRoutes,
  metricRoutes,
  healthRoute,
  documentRoute,
];
