// @ts-check
/** What a page gains by script: the reader's time zone, times that go on, and buttons that copy. All of it works without. */
(() => {
  const root = document.documentElement;
  const skew = Number(root.dataset.now) - Date.now();
  const now = () => Date.now() + skew;

  /** So that the server prints the reader's own times from the next page on. */
  const tellZone = () => {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `zone=${encodeURIComponent(zone)}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
    const first = root.dataset.zone === "UTC" && zone !== "UTC" && !sessionStorage.getItem("zoned");
    if (
      first &&
      document.querySelector(".told, input:not([type=hidden]), textarea, output") === null
    ) {
      sessionStorage.setItem("zoned", zone);
      location.replace(location.href);
    }
  };

  /** As model/time.ts writes it. @param {number} ms @param {readonly string[]} units @param {boolean} padded */
  const inUnits = (ms, units, padded) => {
    const total = Math.max(0, Math.floor(ms / 1000));
    const sizes = [86_400, 3_600, 60, 1];
    const from = total < 1 ? 3 : sizes.findIndex((size) => total >= size);
    const size = sizes[from] ?? 1;
    const large = Math.floor(total / size);
    const small = Math.floor((total % size) / (sizes[from + 1] ?? 1));
    const head = `${large}\u00A0${units[from]}`;
    if (from === 3 || (small === 0 && !(padded && from === 2))) {
      return head;
    }
    return `${head}\u00A0${padded ? String(small).padStart(2, "0") : small}\u00A0${units[from + 1]}`;
  };

  /** @param {Element} element @param {Record<string, string>} attributes */
  const set = (element, attributes) => {
    for (const [name, value] of Object.entries(attributes)) {
      if (element.getAttribute(name) !== value) {
        element.setAttribute(name, value);
      }
    }
  };

  /** The same places as parts/line.tsx works out. @param {SVGGElement} run */
  const drawRun = (run) => {
    const { run: since, usual: usually, from: left, to: right } = run.dataset;
    const [elapsed, usual, from, to] = [
      now() - Number(since),
      Number(usually),
      Number(left),
      Number(right),
    ];
    const scale = elapsed > usual ? elapsed * 1.1 : Math.max(usual, 1);
    const width = (/** @type {number} */ ms) => `${(((to - from) * ms) / scale).toFixed(2)}%`;
    const place = (/** @type {number} */ ms) =>
      `${(from + ((to - from) * ms) / scale).toFixed(2)}%`;
    for (const element of run.children) {
      const { fill, late, at, mark, front, tag } = /** @type {SVGElement} */ (element).dataset;
      if (fill !== undefined) {
        set(element, { width: width(Math.min(elapsed, usual)) });
      } else if (late !== undefined) {
        set(element, { x: place(usual), width: width(Math.max(0, elapsed - usual)) });
      } else if (at !== undefined) {
        set(element, { x1: place(Number(at)), x2: place(Number(at)) });
      } else if (mark !== undefined) {
        set(element, {
          x1: place(usual),
          x2: place(usual),
          class: elapsed > usual ? "usual" : "usual off",
        });
      } else if (front !== undefined) {
        set(element, { x: place(elapsed) });
      } else if (tag !== undefined && element.firstElementChild !== null) {
        const solid = Math.min(elapsed, usual);
        const fits = solid / scale > Number(tag);
        set(element, { x: place(solid) });
        set(element.firstElementChild, {
          class: fits ? "number on-fill" : "number plate",
          x: fits ? "-4" : "10",
          "text-anchor": fits ? "end" : "start",
        });
      }
    }
  };

  const tick = () => {
    if (root.dataset.stopped !== undefined) {
      return;
    }
    for (const element of document.querySelectorAll("[data-since]")) {
      const { since, brief } = /** @type {HTMLElement} */ (element).dataset;
      const units = brief === undefined ? ["d", "h", "min", "s"] : ["d", "h", "m", "s"];
      const text = inUnits(now() - Number(since), units, brief !== undefined);
      if (element.textContent !== text) {
        element.textContent = text;
      }
    }
    document
      .querySelectorAll(".lanes:not(.still) [data-run], .projects [data-run]")
      .forEach((run) => drawRun(/** @type {SVGGElement} */ (run)));
  };

  const offerCopies = () => {
    for (const button of document.querySelectorAll("button[data-copy]")) {
      /** @type {HTMLButtonElement} */ (button).hidden = false;
    }
    document.addEventListener("click", ({ target }) => {
      if (!(target instanceof HTMLButtonElement) || target.dataset.copy === undefined) {
        return;
      }
      void navigator.clipboard.writeText(target.dataset.copy).then(() => {
        target.textContent = "✓ Copied";
        target.setAttribute("aria-live", "polite");
        setTimeout(() => (target.textContent = "Copy"), 2000);
      });
    });
  };

  /** On a phone the tabs scroll, and the one that is open may be out of sight. */
  const showTab = () => {
    const tab = document.querySelector(".tabs [aria-current]");
    const tabs = tab?.parentElement;
    if (tab instanceof HTMLElement && tabs instanceof HTMLElement) {
      tabs.scrollLeft = tab.offsetLeft - (tabs.clientWidth - tab.offsetWidth) / 2;
    }
  };

  tellZone();
  showTab();
  addEventListener("resize", showTab);
  offerCopies();
  tick();
  setInterval(tick, 1000);
  document.addEventListener("fresh", tick);
})();
