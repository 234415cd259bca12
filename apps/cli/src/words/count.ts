/** 12,418 */
export function count(number: number): string {
  return number.toLocaleString("en");
}

/** "1 job", "12,418 jobs" */
export function many(number: number, word: string): string {
  return `${count(number)} ${word}${number === 1 ? "" : "s"}`;
}
