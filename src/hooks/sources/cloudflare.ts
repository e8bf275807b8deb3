import { at } from "../delivery.ts";
import { formHint } from "./modes.ts";
import { ignored, readObject, testSend } from "./reading.ts";
import type { Source } from "./source.ts";

const PAGES_ALERT = "pages_event_alert";

/**
 * Cloudflare's own notifications. They need not arrive, say nothing in a form that is documented and are signed with
 * nothing but a secret in a header: so they are a hint to look, never a fact.
 */
export const cloudflare: Source = {
  name: "cloudflare",
  title: "Cloudflare notifications",
  kind: "cloudflare",
  modes: {
    header: {
      title: "Secret in cf-webhook-auth",
      options: [],
      scheme: () => ({ kind: "header", header: "cf-webhook-auth", prefix: "" }),
      secret: "made",
      paste: [
        ["URL", "{url}"],
        ["Secret", "{secret}"],
      ],
      steps: [
        "In Cloudflare's dashboard, open Notifications, Destinations, Webhooks, Create.",
        "Paste URL and Secret and press Save and Test. The test is answered and does nothing.",
        "Notifications, Add, Pages: Project updates. Choose the project, all events, and this destination.",
      ],
    },
  },
  events: [PAGES_ALERT],
  branchFrom: "nothing: it starts no deploy",
  read(delivery) {
    const body = readObject(delivery, formHint("Cloudflare"));
    if (!body.ok) {
      return body.reading;
    }
    const type = at(body.json, "/alert_type");
    if (type === undefined && Object.keys(body.json).join() === "text") {
      return ignored(testSend("Cloudflare"), null);
    }
    // The type may be left out: then it is better to look once too often.
    if (type === undefined || type === PAGES_ALERT) {
      const reason = {
        code: "looking",
        text: "Cloudflare has news of its Pages projects; what runs here is looked at now.",
      };
      return { kind: "look", reason, delivery_id: null };
    }
    const about = {
      code: "not_about_pages",
      text: "The notification is not about Pages projects.",
    };
    return ignored(about, null);
  },
};
