import { once } from "node:events";

import { sandboxes } from "@understudy/providers/sandbox";

import { readConfig } from "./config.ts";
import { controlServer } from "./control.ts";

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  // The fakes that did start would keep the process alive.
  process.exit(1);
}

async function main(): Promise<void> {
  const { host, port, portOf, keepEffects } = readConfig(process.env, Object.keys(sandboxes));
  const started = await Promise.all(
    Object.values(sandboxes).map((sandbox) =>
      sandbox.start({ host, port: portOf(sandbox.provider), keepEffects }),
    ),
  );
  const fakes = new Map(started.map((fake) => [fake.provider, fake]));

  const control = controlServer(fakes);
  const stop = (): void => {
    control.close();
    control.closeAllConnections();
    for (const fake of started) void fake.close();
  };
  process.once("SIGTERM", stop).once("SIGINT", stop);
  // Whoever started it over an IPC channel is gone: do not outlive it. The channel itself keeps nobody alive.
  process.once("disconnect", stop).channel?.unref();

  try {
    control.listen(port, host);
    await once(control, "listening");
  } catch (error) {
    throw new Error(`The control API cannot listen on ${host}:${port}. Set SANDBOX_PORT to a free port.`, {
      cause: error,
    });
  }
  const address = control.address();
  const url = `http://${host}:${address !== null && typeof address === "object" ? address.port : port}`;
  const urls = Object.fromEntries(started.map((fake) => [fake.provider, fake.url]));
  if (process.stdout.isTTY) console.log(`sandbox: control ${url}, ${JSON.stringify(urls)}`);
  else console.log(JSON.stringify({ sandbox: url, providers: urls }));
}
