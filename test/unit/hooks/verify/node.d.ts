/** What senders use of Node. Its full types would redefine the globals that the Workers runtime declares. */
declare module "node:crypto" {
  type Encoding = "hex" | "base64" | "base64url";
  export interface Hmac {
    update(data: Uint8Array | string): Hmac;
    digest(encoding: Encoding): string;
  }
  export interface KeyObject {
    export(options: { format: "jwk" }): { x?: string };
  }
  export function createHmac(algorithm: string, key: string | KeyObject): Hmac;
  export function createSecretKey(key: string, encoding: Encoding): KeyObject;
  export function generateKeyPairSync(type: "ed25519"): {
    publicKey: KeyObject;
    privateKey: KeyObject;
  };
  export function sign(
    algorithm: null,
    data: Uint8Array,
    key: KeyObject,
  ): { toString(encoding: Encoding): string };
  export function randomUUID(): string;
}
