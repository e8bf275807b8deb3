/** One line of the table: what Signalbox does beside what it is held against. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly signalbox: number;
  /** The same of what it is held against; null where it stands alone. */
  readonly against: { readonly name: string; readonly value: number } | null;
  /** Of the ratio, or of the value that stands alone. Null where there is nothing to keep. */
  readonly bound: Bound | null;
  /** What the medians are of. */
  readonly samples: Readonly<Record<string, readonly number[]>>;
}

export interface Bound {
  readonly kind: "at most" | "at least";
  readonly value: number;
  /** Missing a firm one fails the run; missing the others is worth a look. */
  readonly firm: boolean;
}

/** Compares medians of two series, since single runs are noisy. */
export function compare(
  name: string,
  unit: string,
  signalbox: readonly number[],
  against: { readonly name: string; readonly samples: readonly number[] },
  bound: Bound | null = null,
): Figure {
  return {
    name,
    unit,
    signalbox: median(signalbox),
    against: { name: against.name, value: median(against.samples) },
    bound,
    samples: { signalbox, [against.name]: against.samples },
  };
}

/** One that is held against nothing but its bound. */
export function alone(
  name: string,
  unit: string,
  samples: readonly number[],
  bound: Bound | null = null,
): Figure {
  return {
    name,
    unit,
    signalbox: median(samples),
    against: null,
    bound,
    samples: { signalbox: samples },
  };
}

/** What the bound is of. */
export function judged({ signalbox, against }: Figure): number {
  return against === null ? signalbox : signalbox / against.value;
}

export function holds(figure: Figure): boolean {
  const { bound } = figure;
  if (bound === null) {
    return true;
  }
  return bound.kind === "at most" ? judged(figure) <= bound.value : judged(figure) >= bound.value;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.slice(
    Math.floor((sorted.length - 1) / 2),
    Math.floor(sorted.length / 2) + 1,
  );
  return middle.reduce((sum, value) => sum + value, 0) / middle.length;
}

/** What that share of the values is at most: 0.99 leaves one of a hundred above. Infinity where there are none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * share) - 1] ?? Infinity;
}
