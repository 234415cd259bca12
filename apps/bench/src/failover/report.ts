import type { SystemName } from "./options.ts";
import type { Result } from "./run.ts";

export type Results = Readonly<Partial<Record<SystemName, Result>>>;

const titles: Readonly<Record<SystemName, string>> = {
  ours: "Understudy",
  naive: "BullMQ, try/catch chain",
  symfony: "BullMQ, Symfony-style chain",
};

interface Row {
  readonly label: string;
  readonly of: (result: Result) => number;
  /** Whether it must be nought. */
  readonly isWrong: boolean;
}

const rows: readonly Row[] = [
  { label: "charges lost", of: ({ charges }) => charges.lost, isWrong: true },
  { label: "charges made twice", of: ({ charges }) => charges.duplicated, isWrong: true },
  { label: "charged at two providers", of: ({ charges }) => charges.atTwoProviders, isWrong: true },
  { label: "said to have failed, and charged", of: ({ charges }) => charges.misreported, isWrong: true },
  { label: "charges unresolved", of: ({ charges }) => charges.unresolved, isWrong: true },
  { label: "charges settled after a look-up", of: ({ charges }) => charges.lookedUp, isWrong: false },
  { label: "charges held for a look-up or a person", of: ({ charges }) => charges.held, isWrong: false },
  { label: "charges given up, without effect", of: ({ charges }) => charges.gaveUp, isWrong: false },
  { label: "mails lost", of: ({ mails }) => mails.lost, isWrong: true },
  { label: "mails unresolved", of: ({ mails }) => mails.unresolved, isWrong: true },
  { label: "mails held for a person", of: ({ mails }) => mails.held, isWrong: false },
  { label: "mails given up, not sent", of: ({ mails }) => mails.gaveUp, isWrong: false },
  { label: "mails sent twice", of: ({ mails }) => mails.duplicated, isWrong: false },
  { label: "of these, not marked beforehand", of: ({ mails }) => mails.unlabelledDuplicates, isWrong: true },
];

/** What must be nought and is not, a sentence each. */
export function failuresOf(result: Result): readonly string[] {
  return rows
    .filter(({ of, isWrong }) => isWrong && of(result) > 0)
    .map(({ label, of }) => `${label}: ${of(result)}`);
}

export function table(results: Results): string {
  const entries = Object.entries(results) as [SystemName, Result][];
  const head = ["", ...entries.map(([name]) => titles[name])];
  const body = rows.map(({ label, of }) => [label, ...entries.map(([, result]) => String(of(result)))]);
  const foot = [
    ["workers killed", ...entries.map(([, { workerKills }]) => String(workerKills))],
    ["Redis killed", ...entries.map(([, { redisKills }]) => String(redisKills))],
    ["seconds", ...entries.map(([, { seconds }]) => String(seconds))],
  ];
  const lines = [head, ["---", ...entries.map(() => "---:")], ...body, ...foot];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

const shown = rows.filter(({ label }) =>
  [
    "charges made twice",
    "charged at two providers",
    "said to have failed, and charged",
    "of these, not marked beforehand",
  ].includes(label),
);
const labels: Readonly<Record<string, string>> = {
  "of these, not marked beforehand": "mails sent twice, not marked beforehand",
};
const colours: Readonly<Record<SystemName, string>> = {
  ours: "#1a7f4b",
  naive: "#c4442b",
  symfony: "#d9962b",
};

/** The harm done, as bars. */
export function chart(results: Results, subtitle: string): string {
  const entries = Object.entries(results) as [SystemName, Result][];
  const most = Math.max(1, ...shown.flatMap(({ of }) => entries.map(([, result]) => of(result))));
  const barHeight = 18;
  const groupHeight = entries.length * (barHeight + 4) + 34;
  const width = 760;
  const left = 20;
  const scale = (width - left - 230) / most;
  const groups = shown.map((row, g) => {
    const top = 70 + g * groupHeight;
    const bars = entries.map(([name, result], i) => {
      const value = row.of(result);
      const y = top + 22 + i * (barHeight + 4);
      const length = Math.max(value * scale, value > 0 ? 2 : 0);
      return `<rect x="${left}" y="${y}" width="${length.toFixed(1)}" height="${barHeight}" fill="${colours[name]}"/><text x="${(left + length + 8).toFixed(1)}" y="${y + 14}">${value} <tspan class="name">${titles[name]}</tspan></text>`;
    });
    return `<text x="${left}" y="${top + 12}" class="label">${labels[row.label] ?? row.label}</text>${bars.join("")}`;
  });
  const height = 80 + shown.length * groupHeight;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="14" role="img" aria-label="Harm done in the failover bench, by system">
<style>text{fill:#24292f}.name{fill:#6b7280}.label{font-weight:600}.bg{fill:#fff}@media(prefers-color-scheme:dark){text{fill:#e6edf3}.name{fill:#9ca3af}.bg{fill:#0d1117}}</style>
<rect class="bg" width="${width}" height="${height}"/>
<text x="${left}" y="30" font-size="18" class="label">What went wrong</text>
<text x="${left}" y="50" class="name">${subtitle}</text>
${groups.join("\n")}
</svg>
`;
}
