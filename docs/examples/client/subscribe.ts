import { Refused, type Signalbox } from "./client.ts";

/** Has a URL told how deploys end. The secret, by which the receiver knows who sends, is shown this once. */
export async function subscribe(
  signalbox: Signalbox,
  project: string,
  url: string,
): Promise<{ id: string; secret: string }> {
  const path = { project };
  const made = await signalbox.POST("/v1/projects/{project}/subscribers", {
    params: { path },
    body: { url, events: ["deploy.succeeded", "deploy.failed", "test.ping"], kind: "webhook" },
  });
  if (made.error !== undefined) {
    throw new Refused(made.error);
  }
  const { id, secret } = made.data;
  // An example on its way, so that a mistake is seen today.
  const { error } = await signalbox.POST("/v1/projects/{project}/subscribers/{id}/test", {
    params: { path: { project, id } },
    body: { type: "test.ping" },
  });
  if (error !== undefined) {
    throw new Refused(error);
  }
  return { id, secret: secret ?? "" };
}
