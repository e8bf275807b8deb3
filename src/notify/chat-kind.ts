import { chatBody, type ChatKind } from "./chat.ts";
import { byStatus, type Kind, type Verdict } from "./kind.ts";

/** An incoming webhook of a chat: whoever has its URL may post, so that is the one secret and nothing is signed. */
export function chatKind(kind: ChatKind): Kind {
  return {
    proof: "url",
    tells: (event) => chatBody(kind, event) !== null,
    async next({ event, secrets: [url = ""] }, [answer]) {
      return answer === undefined
        ? {
            url,
            headers: { "content-type": "application/json", "user-agent": "Signalbox-Webhook/1" },
            body: chatBody(kind, event) ?? "{}",
          }
        : judge(kind, answer.status, answer.text);
    },
  };
}

function judge(kind: ChatKind, status: number, text: string): Verdict {
  switch (kind) {
    case "slack": {
      // Its answers are single words, such as no_service or channel_is_archived.
      const word = /^[a-z_]{1,40}$/.exec(text.trim())?.[0];
      const said = word === undefined ? `${status}` : `${status} ${word}`;
      return {
        ...byStatus(status, status === 404 || status === 410 ? `Slack answered ${said}.` : null),
        error: status >= 200 && status < 300 ? null : `It answered ${said}.`,
      };
    }
    case "discord":
      return byStatus(status, status === 404 ? "Discord answered 404: no such webhook." : null);
    case "teams":
      return byStatus(status, status === 410 ? "Teams answered 410 Gone." : null);
  }
}
