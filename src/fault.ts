declare const __FAULTS__: boolean;

type FaultHook = (point: string, ctx: DurableObjectState | null) => void;

/**
 * Marks a step at which tests may crash the object. Points are discovered by running: the hook sees every name that is
 * passed. wrangler.toml defines `__FAULTS__` as false, so that nothing of this is left in the deployed bundle.
 */
export function fault(point: string, ctx: DurableObjectState | null = null): void {
  if (__FAULTS__) {
    (globalThis as { __fault?: FaultHook }).__fault?.(point, ctx);
  }
}
