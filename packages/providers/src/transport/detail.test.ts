import * as fc from "fast-check";
import { expect, test } from "vitest";

import { detailOf } from "./detail.ts";

test("secrets, addresses and the request's own words are taken out", () => {
  const request = {
    to: [{ email: "ada@example.org", name: "Ada King" }],
    text: "Dear Ada King,\nyour code is 4711",
  };
  const words = "to: Ada King <ada@example.org> (key SG.secret)\n said 'your code is 4711'";
  expect(detailOf(words, { secrets: ["SG.secret", ""], request })).toBe(
    "to: <payload> <<address>> (key <secret>) said '<payload>'",
  );
});

test("no secret and no address survives, and the length is bounded", () => {
  const secret = fc
    .string({ minLength: 8 })
    .filter((text) => !/\s/u.test(text) && !"<secret><address>".includes(text));
  fc.assert(
    fc.property(fc.string(), secret, fc.string({ maxLength: 2000 }), (before, key, after) => {
      const detail = detailOf(`${before} ${key} ada@example.org ${after}`, {
        secrets: [key],
        request: undefined,
      });
      expect(detail.includes(key) || detail.includes("ada@example.org")).toBe(false);
      expect(detail.length).toBeLessThanOrEqual(300);
    }),
  );
});

/** Words of a request that a vendor repeats in its own. */
function quoted(words: string, text: string): string {
  return detailOf(words, { secrets: [], request: { html: text, attachments: [] } });
}

test("a link is taken out wherever it stands, whoever wrote it", () => {
  const text = "Hello Ada, reset it at https://shop.example/reset?token=abc&n=1, or ignore this.";
  expect(quoted("bad link https://shop.example/reset?token=abc&n=1 in html", text)).toBe(
    "bad link <url> in html",
  );
  expect(quoted('"www.shop.example/r?t=abc" and SMTPS://u:p@relay', "")).toBe('"<url>" and <url>');
});

test("a part of a line is taken out, however long the line is", () => {
  const text = `<p>${"lorem ipsum ".repeat(200)}your one time code is 4711, use it now</p>`;
  expect(quoted("near 'your one time code is 4711': too long", text)).toBe("near '<payload>': too long");
  expect(quoted("near time code is 4711, use", text)).not.toContain("4711");
});

test("a single word of the request's is taken out, whatever stands round it", () => {
  const text = "Your password is hunter2hunter2, Ada. It lasts for $ix!m*nths.";
  expect(quoted("value=hunter2hunter2&x=1", text)).toBe("value=<payload>&x=1");
  expect(quoted(String.raw`{"text":"is\nhunter2hunter2\n"}`, text)).not.toContain("hunter2");
  expect(quoted("no [$ix!m*nths]", text)).not.toContain("m*nths");
  expect(quoted("passwords of 2 kinds", text)).toBe("passwords of 2 kinds");
});

test("data is known by its looks: attachments are not searched", () => {
  const contentBase64 = Buffer.from("The quick brown fox. ".repeat(100_000)).toString("base64");
  const request = { text: "Hello", attachments: [{ contentBase64 }] };
  const piece = contentBase64.slice(10_000, 10_900);
  expect(detailOf(`cannot decode ${piece} at 7`, { secrets: [], request })).toBe("cannot decode <data> at 7");
});

test("no quotation of a request survives: none of sixteen characters, no word of eight", () => {
  const word = fc.stringMatching(/^[a-z0-9]{1,12}$/u);
  const around = fc.constantFrom("", '"', "<p>", "=", String.raw`\n`, " ");
  fc.assert(
    fc.property(
      fc.array(word, { minLength: 12, maxLength: 400 }),
      fc.nat(),
      fc.integer({ min: 1, max: 12 }),
      around,
      (all, at, count, edge) => {
        const start = at % all.length;
        const quote = all.slice(start, start + count).join(" ");
        const detail = quoted(`Ü: ${edge}${quote}${edge}; Ü`, all.join(" "));
        if (quote.length >= 16) expect(detail).not.toContain(quote);
        for (const each of quote.split(" ").filter(({ length }) => length >= 8))
          expect(detail).not.toContain(each);
      },
    ),
  );
});
