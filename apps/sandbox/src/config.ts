import * as z from "zod";

const port = z.coerce.number().int().min(0).max(65_535);

export interface SandboxConfig {
  readonly host: string;
  /** Of the control API; 0: any free port. */
  readonly port: number;
  /** How many effects each fake remembers. */
  readonly keepEffects: number;
  /** Of each fake; 0: any free port. */
  readonly portOf: (provider: string) => number;
}

/** @throws an error that names the variables that are wrong */
export function readConfig(
  env: Readonly<Record<string, string | undefined>>,
  providers: readonly string[],
): SandboxConfig {
  const schema = z.object({
    SANDBOX_PORT: port.default(4100),
    SANDBOX_HOST: z.string().min(1).default("127.0.0.1"),
    SANDBOX_KEEP_EFFECTS: z.coerce.number().int().min(1).max(10_000_000).default(200_000),
    ...Object.fromEntries(providers.map((provider) => [variableOf(provider), port.default(0)])),
  });
  const parsed = schema.safeParse(env);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
    throw new Error(
      `The sandbox cannot start: ${problems.join("; ")}. Correct the environment and start it again.`,
    );
  }
  const { SANDBOX_PORT, SANDBOX_HOST, SANDBOX_KEEP_EFFECTS, ...ports } = parsed.data;
  return {
    keepEffects: SANDBOX_KEEP_EFFECTS,
    host: SANDBOX_HOST,
    port: SANDBOX_PORT,
    portOf: (provider) => Number(Object(ports)[variableOf(provider)] ?? 0),
  };
}

/** SANDBOX_SENDGRID_PORT */
function variableOf(provider: string): string {
  return `SANDBOX_${provider.replaceAll("-", "_").toUpperCase()}_PORT`;
}
