import { spawnSync } from "node:child_process";

const steps: readonly (readonly [string, ...string[]])[] = [
  ["oxfmt", "--check"],
  ["turbo", "run", "build", "typecheck", "//#typecheck:root", "--output-logs=errors-only"],
  ["oxlint", "--type-aware", "--deny-warnings"],
  ["knip"],
  ["pnpm", "-r", "--filter", "./packages/*", "exec", "publint", "--strict"],
];

for (const [command, ...args] of steps) {
  const started = performance.now();
  const { status } = spawnSync(command, args, { stdio: "inherit" });
  console.log(
    `${status === 0 ? "ok  " : "FAIL"} ${command} ${args.join(" ")} (${Math.round(performance.now() - started)} ms)`,
  );
  if (status !== 0) process.exit(status ?? 1);
}
