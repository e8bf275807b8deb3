/** As the API writes times: UTC with microseconds. */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "000Z");
}
