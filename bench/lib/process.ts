import { readFileSync, readdirSync } from "node:fs";

const MIB = 1024;

/** Memory of a process that is in RAM now, in MiB. */
export function residentMiB(pid: number): number {
  return status(pid, "VmRSS") / MIB;
}

/** The most it ever was. */
export function peakMiB(pid: number): number {
  return status(pid, "VmHWM") / MIB;
}

/** CPU time of all its threads up to now, in milliseconds. */
export function cpuMs(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => {
    const [ns] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ");
    return sum + Number(ns) / 1e6;
  }, 0);
}

function status(pid: number, field: string): number {
  const text = readFileSync(`/proc/${pid}/status`, "utf8");
  const kib = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(text)?.[1];
  if (kib === undefined) {
    throw new Error(`The system does not tell the ${field} of a process.`);
  }
  return Number(kib);
}
