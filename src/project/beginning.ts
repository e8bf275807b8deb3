/** The first bytes of a body; the rest is cancelled, so that its connection is free again. */
export async function beginning(response: Response, limit: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(limit);
  if (response.body === null) {
    return bytes.subarray(0, 0);
  }
  const reader = response.body.getReader();
  let length = 0;
  while (length < limit) {
    const { done, value } = await reader.read();
    if (done) {
      return bytes.subarray(0, length);
    }
    const part = value.subarray(0, limit - length);
    bytes.set(part, length);
    length += part.byteLength;
  }
  await reader.cancel();
  return bytes.subarray(0, length);
}
