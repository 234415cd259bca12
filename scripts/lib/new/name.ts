import { camelCase } from "../catalogs/names.ts";

/** Words that JavaScript keeps, and those that the generated files and the catalogues use themselves. */
const taken: ReadonlySet<string> = new Set(
  (
    "arguments await break case catch class const continue debugger default delete do else enum eval export extends " +
    "false finally for function if implements import in instanceof interface let new null package private protected " +
    "public return static super switch this throw true try typeof undefined var void while with yield " +
    "z test expect secret jobs providers sandboxes defineJob defineProvider emailSend emailRequest htmlEscape requestOf payload " +
    "sendEmail httpSandbox isBadAddress misbehaving testProvider adapterAt callOf mail success refusal someone messageSchema answerOf " +
    "judge refuse readJson"
  ).split(" "),
);

/** Trails name these as providers where there was none. */
const pseudo: ReadonlySet<string> = new Set(["unknown", "route"]);

/** Why a folder of this name cannot be made beside those there are; undefined when it can. */
export function problemWith(name: string, existing: readonly string[]): string | undefined {
  if (!/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/u.test(name))
    return `"${name}" must be kebab-case: small letters, digits and single dashes, such as order-shipped.`;
  if (name.length > 40) return `"${name}" is longer than 40 characters; it stands in ids and tags.`;
  if (existing.includes(name)) return `"${name}" exists already. There are: ${existing.join(", ")}.`;
  const twin = existing.find((one) => camelCase(one) === camelCase(name));
  if (twin !== undefined) return `"${name}" would have the same name in the code as "${twin}".`;
  if (taken.has(camelCase(name)) || pseudo.has(name))
    return `"${name}" has a meaning of its own in the code. Take a longer name.`;
  return undefined;
}
