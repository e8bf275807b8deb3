/** The two Node modules used here. Node's full types would redefine the globals the Workers runtime declares. */
declare module "node:crypto" {
  export interface Sha256 {
    update(data: Uint8Array | string): Sha256;
    digest(encoding: "hex"): string;
  }
  export function createHash(algorithm: "sha256"): Sha256;
}

declare module "node:buffer" {
  export const Buffer: {
    from(
      buffer: ArrayBufferLike,
      offset: number,
      length: number,
    ): { indexOf(bytes: Uint8Array): number };
  };
}
