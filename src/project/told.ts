/**
 * Subscribers, to be selected from: with `told`, up to which event each has been told, and with its last attempt. A first attempt that
 * succeeds for one that is well writes its delivery alone, so that either is in the row or in the newest delivery, whichever
 * is later. Nothing else reads `cursor` and `last_…`.
 */
export const SUBSCRIBERS = `(
  SELECT s.*, COALESCE(MAX(s.cursor, d.sequence), s.cursor) AS told,
    ${(["at", "ms", "status", "error"] as const).map((column) => `CASE WHEN d.at >= COALESCE(s.last_at, 0) THEN d.${column} ELSE s.last_${column} END AS tried_${column}`).join(", ")}
  FROM subscribers s LEFT JOIN deliveries d ON d.subscriber_id = s.id
    AND d.sequence = (SELECT MAX(sequence) FROM deliveries WHERE subscriber_id = s.id))`;
