/** Colour of a lane's state. */
export const laneTone = (state: string): string =>
  state === "ok" || state === "busy" ? "good" : state === "starting" || state === "shift" ? "warn" : state === "disabled" ? "soft" : "bad";

/** Colour of a level of the outlook or of an incident. */
export const levelTone = (level: string): string => (level === "alarm" ? "bad" : level === "warn" ? "warn" : "good");
