import { Refused, type Deploy, type Signalbox } from "./client.ts";

/** Has a branch deployed and waits for the end, however long that takes. */
export async function deployAndWait(
  signalbox: Signalbox,
  project: string,
  branch: string,
): Promise<Deploy> {
  const asked = await signalbox.POST("/v1/projects/{project}/deploys", {
    params: {
      path: { project },
      // The same key with each attempt makes one deploy, however often the network fails.
      header: { "idempotency-key": crypto.randomUUID() },
    },
    body: { branch },
  });
  if (asked.error !== undefined) {
    throw new Refused(asked.error);
  }
  if (asked.data.deploy === null) {
    throw new Error(asked.data.reason ?? "No deploy came of it.");
  }
  const { id } = asked.data.deploy;
  for (;;) {
    // Answered when the deploy has ended, or after a minute.
    const { data: deploy, error } = await signalbox.GET("/v1/projects/{project}/deploys/{id}", {
      params: { path: { project, id }, query: { wait: 60 } },
    });
    if (error !== undefined) {
      throw new Refused(error);
    }
    if (deploy.ended_at !== null) {
      return deploy;
    }
  }
}
