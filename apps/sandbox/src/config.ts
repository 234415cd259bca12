import * as z from "zod";

const port = z.coerce.number().int().min(0).max(65_535);

const schema = z.object({
  /** Of the control API; 0: any free port. The fakes themselves take free ports. */
  SANDBOX_PORT: port.default(4100),
  SANDBOX_HOST: z.string().min(1).default("127.0.0.1"),
});

export interface SandboxConfig {
  readonly port: number;
  readonly host: string;
}

/** @throws an error that names the variables that are wrong */
export function readConfig(env: Readonly<Record<string, string | undefined>>): SandboxConfig {
  const parsed = schema.safeParse(env);
  if (parsed.success) return { port: parsed.data.SANDBOX_PORT, host: parsed.data.SANDBOX_HOST };
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new Error(
    `The sandbox cannot start: ${problems.join("; ")}. Correct the environment and start it again.`,
  );
}
