/** Colour of a comparison's outcome. */
export const outcomeTone = (outcome: string): string => (outcome === "agree" ? "good" : outcome === "differ" ? "bad" : "warn");
