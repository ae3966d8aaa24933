/** Roubles as people write them ("85", "85,5", "85.50") in kopecks; null when they are no sum. */
export function kopecks(text: string): number | null {
  const m = /^(\d{1,9})(?:[.,](\d{1,2}))?$/.exec(text.trim());
  return m ? Number(m[1]) * 100 + Number((m[2] ?? "").padEnd(2, "0")) : null;
}

/** Kopecks as an input field has them: 85, 85.50. */
export const roubles = (k: number): string => (k % 100 === 0 ? String(k / 100) : `${Math.trunc(k / 100)}.${String(k % 100).padStart(2, "0")}`);
