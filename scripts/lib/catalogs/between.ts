/** The text with what stands between two marked lines replaced; the marks stay. @throws when a mark is missing */
export function between(text: string, from: string, to: string, content: string): string {
  const start = text.indexOf(from);
  const end = text.indexOf(to, start);
  if (start < 0 || end < 0) throw new Error(`The lines "${from}" and "${to}" are missing. Put them back.`);
  const lineEnd = text.indexOf("\n", start) + 1;
  return `${text.slice(0, lineEnd)}${content}${text.slice(end)}`;
}
