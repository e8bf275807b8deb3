import sparticuz from "@sparticuz/chromium";
import { chromium } from "playwright-core";
import type { Browser } from "playwright-core";

/** What only makes sense where one page is all that a browser ever shows. */
const ALONE = /^--(?:single-process|no-zygote|headless)/;

/** A Chromium from a package where there is one for this machine, else the Chrome that is installed. */
export async function launch(): Promise<Browser> {
  return process.platform === "linux" && process.arch === "x64"
    ? chromium.launch({
        executablePath: await sparticuz.executablePath(),
        args: sparticuz.args.filter((arg) => !ALONE.test(arg)),
      })
    : chromium.launch({ channel: "chrome" });
}
