/**
 * The five fields of a cron expression: minute, hour, day of month, month, day of week. Each is `*` (or `?`), numbers, ranges, steps
 * (`*\/5`, `8-18/2`) and lists of these; months and days of the week have names. A day of the month may be `L`, the last, or
 * `15W`, the weekday nearest to it; alone it may be `LW`, the last weekday. A day of the week may be `5#2`, the second Friday, or
 * `5L`, the last. Where both kinds of day are named, either will do; with `+` before the day of the week, it takes both.
 */
export interface CronFields {
  /** The minutes of the day, rising. */
  readonly minutes: readonly number[];
  /** From 0, as `Date` counts them. */
  readonly months: ReadonlySet<number>;
  /** Whether every day is one. */
  readonly daily: boolean;
  /** Whether hour and minute are one value each. */
  readonly single: boolean;
  /** Whether this day of a month is one; the month itself is not looked at. */
  readonly isDay: (day: Date) => boolean;
}

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const MINUTE: Field = { name: "minute", min: 0, max: 59 };
const HOUR: Field = { name: "hour", min: 0, max: 23 };
const DAY: Field = { name: "day of month", min: 1, max: 31 };
const MONTH: Field = {
  name: "month",
  min: 1,
  max: 12,
  names: "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split(" "),
};
/** 0 and 7 are both Sunday. */
const WEEKDAY: Field = {
  name: "day of week",
  min: 0,
  max: 7,
  names: "SUN MON TUE WED THU FRI SAT".split(" "),
};

/** @throws {Error} what can't be read, in words. */
export function readCron(cron: string): CronFields {
  const fields = cron.trim().toUpperCase().replaceAll("?", "*").split(/\s+/);
  const [minute = "", hour = "", day = "", month = "", weekday = ""] = fields;
  if (fields.length !== 5) {
    throw new Error("there must be five fields: minute, hour, day of month, month, day of week.");
  }
  const [minutes, hours] = [valuesOf(minute, MINUTE), valuesOf(hour, HOUR)];
  const months = valuesOf(month, MONTH);
  const isMonthday = monthdays(day);
  const both = weekday.startsWith("+");
  const isWeekday = weekdays(both ? weekday.slice(1) : weekday);
  const [anyDay, anyWeekday] = [day === "*", weekday === "*"];
  return {
    minutes: hours.flatMap((h) => minutes.map((m) => h * 60 + m)),
    months: new Set(months.map((m) => m - 1)),
    daily: anyDay && anyWeekday && months.length === 12,
    single: minutes.length === 1 && hours.length === 1 && !/[*/]/.test(minute + hour),
    isDay: (date) =>
      anyDay || anyWeekday || both
        ? isMonthday(date) && isWeekday(date)
        : isMonthday(date) || isWeekday(date),
  };
}

/** Rising, each once. */
function valuesOf(text: string, field: Field): number[] {
  const values = text.split(",").flatMap((part) => valuesIn(part, field));
  return [...new Set(values)].sort((a, b) => a - b);
}

function valuesIn(part: string, field: Field): number[] {
  const [, first, last, step] = /^(\*|\w+)(?:-(\w+))?(?:\/(\d+))?$/.exec(part) ?? [];
  const { name, min, max, names } = field;
  const all = first === "*";
  if (first === undefined || (all ? last !== undefined : step !== undefined && !last)) {
    throw new Error(`${name} can't be "${part}".`);
  }
  const count = names?.length ?? max - min + 1;
  const from = all ? min : numberOf(first, field);
  const to = all ? min + count - 1 : numberOf(last ?? first, field, last !== undefined);
  const by = Number(step ?? 1);
  if (from < min || from > Math.min(to, max) || by < 1 || by > count) {
    throw new Error(`${name} can't be "${part}": it goes from ${min} to ${max}, upwards.`);
  }
  const values = Array.from(
    { length: Math.floor((Math.min(to, max) - from) / by) + 1 },
    (_, n) => from + n * by,
  );
  // Where it ends does not matter, if no step comes there.
  if ((values.at(-1) ?? to) + by <= to) {
    throw new Error(`${name} can't be "${part}": it goes to ${max} at most.`);
  }
  return values;
}

function numberOf(text: string, { name, min, max, names = [] }: Field, endsRange = false): number {
  const index = names.indexOf(text);
  if (index !== -1) {
    // A range goes up to a Sunday, not down to it.
    return endsRange && min + index === 0 ? max : min + index;
  }
  if (!/^\d+$/.test(text)) {
    throw new Error(`${name} can't be "${text}": it goes from ${min} to ${max}.`);
  }
  return Number(text);
}

type OnDay = (date: Date) => boolean;

function monthdays(text: string): OnDay {
  if (text === "LW") {
    return (date) => date.getUTCDate() === nearestWeekday(date, lastOf(date));
  }
  const parts = text.split(",");
  const last = parts.includes("L");
  const isNear = (part: string): boolean => /^\d+W$/.test(part);
  const near = parts.filter(isNear).flatMap((part) => valuesIn(part.slice(0, -1), DAY));
  const rest = parts.filter((part) => part !== "L" && !isNear(part));
  const days = new Set(rest.flatMap((part) => valuesIn(part, DAY)));
  return (date) => {
    const day = date.getUTCDate();
    return (
      days.has(day) ||
      (last && day === lastOf(date)) ||
      near.some((wanted) => wanted <= lastOf(date) && day === nearestWeekday(date, wanted))
    );
  };
}

function weekdays(text: string): OnDay {
  const parts = text.split(",").map((part) => {
    const [, days = part, last, nth] = /^([^*].*?|\*\/.*?)(?:#?(L)|#([1-5]))$/.exec(part) ?? [];
    return { days: new Set(valuesIn(days, WEEKDAY).map((day) => day % 7)), nth, last };
  });
  return (date) => {
    const day = date.getUTCDate();
    return parts.some(
      ({ days, nth, last }) =>
        days.has(date.getUTCDay()) &&
        (nth === undefined || Math.ceil(day / 7) === Number(nth)) &&
        (last === undefined || day + 7 > lastOf(date)),
    );
  };
}

function lastOf(date: Date): number {
  return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
}

/** The Monday to Friday nearest to a day, in the same month. */
function nearestWeekday(date: Date, day: number): number {
  const weekday = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), day)).getUTCDay();
  if (weekday === 6) {
    return day === 1 ? 3 : day - 1;
  }
  return weekday === 0 ? (day === lastOf(date) ? day - 2 : day + 1) : day;
}
