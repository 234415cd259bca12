import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

import type { FastifyInstance } from "fastify";

const names = {
  "style.css": { type: "text/css", url: new URL("./assets/style.css", import.meta.url) },
  "app.js": { type: "text/javascript", url: new URL("./assets/app.js", import.meta.url) },
  "icon.svg": { type: "image/svg+xml", url: new URL("./assets/icon.svg", import.meta.url) },
} as const;
type Name = keyof typeof names;

const files = new Map(
  Object.entries(names).map(([name, { type, url }]) => {
    const body = readFileSync(url);
    const version = createHash("sha256").update(body).digest("hex").slice(0, 12);
    return [name, { type, body, version }] as const;
  }),
);

/** Changes with the file, so that browsers may keep it for good. */
export function assetUrl(name: Name): string {
  return `/assets/${name}?v=${files.get(name)?.version ?? ""}`;
}

export function serveAssets(app: FastifyInstance): void {
  app.get<{ Params: { name: string } }>(
    "/assets/:name",
    { config: { isPublic: true } },
    async ({ params }, reply) => {
      const file = files.get(params.name);
      if (file === undefined) return await reply.code(404).type("text/plain").send("There is no such file.");
      reply.header("cache-control", "public, max-age=31536000, immutable");
      return await reply.type(`${file.type}; charset=utf-8`).send(file.body);
    },
  );
}
