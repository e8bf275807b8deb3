import { spawn } from "node:child_process";

/**
 * Sees to it that the process group `pid` ends when this process does, even by SIGKILL: a shell waits for the end of its
 * input, which comes then, and kills the group. Without it, what was started would go on, holding its ports and files.
 * Call the returned function once the group is gone.
 */
export function tether(pid: number): () => void {
  const shell = spawn("/bin/sh", ["-c", 'read -r _; kill -9 "-$0"', String(pid)], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  return () => {
    shell.kill("SIGKILL");
  };
}
