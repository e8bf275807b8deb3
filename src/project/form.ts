/** The fields that the create request carries. Absent ones were not sent. */
export interface Form {
  readonly branch?: string;
  readonly commit_hash?: string;
  readonly commit_message?: string;
  readonly commit_dirty?: boolean;
}

/** Cloudflare's own client cuts a message here, in bytes of UTF-8. */
const SENT_MESSAGE_BYTES = 384;

/** What a build sends. One that nothing else tells apart gets a message of its own, so that it can be found again. */
export function buildForm(asked: Form, branch: string, deployId: string): Form {
  const { commit_hash: hash, commit_message: message, commit_dirty: dirty } = asked;
  const own =
    hash === undefined && message === undefined ? `Signalbox deploy ${deployId}` : message;
  return {
    branch,
    ...(hash === undefined ? {} : { commit_hash: hash }),
    ...(own === undefined ? {} : { commit_message: cutBytes(own, SENT_MESSAGE_BYTES) }),
    ...(dirty === undefined ? {} : { commit_dirty: dirty }),
  };
}

/** At most `limit` bytes of UTF-8, cut between characters. */
export function cutBytes(text: string, limit: number): string {
  const bytes = new TextEncoder().encode(text);
  if (bytes.byteLength <= limit) {
    return text;
  }
  // A character that was cut in two comes out as one replacement character or more, and is dropped.
  return new TextDecoder().decode(bytes.subarray(0, limit)).replace(/\uFFFD+$/, "");
}
