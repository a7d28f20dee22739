// Numbers and moments as people read them. Moments are shown in UTC, as the API prints them.

export function time(moment) {
  return moment ? moment.slice(11, 23).replace("Z", ".000") : "";
}

export function date(moment) {
  return moment ? `${moment.slice(0, 10)} ${moment.slice(11, 19)}` : "";
}

/** With milliseconds, for what happens in quick succession. */
export function precise(moment) {
  return moment ? `${moment.slice(0, 10)} ${time(moment)}` : "";
}

const UNITS = [["d", 86_400], ["h", 3_600], ["min", 60]];

/** Seconds in the two largest units that they fill. */
export function span(seconds) {
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const at = UNITS.findIndex(([, size]) => seconds >= size);
  const [name, size] = UNITS[at];
  const [lesser, lesserSize] = UNITS[at + 1] ?? ["s", 1];
  const rest = Math.floor((seconds % size) / lesserSize);
  return `${Math.floor(seconds / size)} ${name}${rest ? ` ${rest} ${lesser}` : ""}`;
}

export function speed(times) {
  if (times === 0) return "stands still";
  return times === 1 ? "runs" : `runs ×${times}`;
}

/** JSON text laid out for reading; anything else as it is. */
export function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
