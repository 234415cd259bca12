/** What one check found. */
export interface Finding {
  readonly check: string;
  readonly level: "ok" | "warning" | "problem";
  readonly sentence: string;
  /** The command that mends it; of each that is not ok. */
  readonly mend?: string;
}

export interface Check {
  readonly name: string;
  readonly run: () => Promise<readonly Finding[]>;
}

/** The three ways to say something in one check's name. */
export function findings(check: string): {
  readonly ok: (sentence: string) => Finding;
  readonly warning: (sentence: string, mend: string) => Finding;
  readonly problem: (sentence: string, mend: string) => Finding;
} {
  return {
    ok: (sentence) => ({ check, level: "ok", sentence }),
    warning: (sentence, mend) => ({ check, level: "warning", sentence, mend }),
    problem: (sentence, mend) => ({ check, level: "problem", sentence, mend }),
  };
}

/** A check that fails or hangs is a finding like another: the rest is told all the same. */
export async function runCheck(
  { name, run }: Check,
  deadlineMs: number,
  mend: string,
): Promise<readonly Finding[]> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`no answer within ${deadlineMs} ms`)), deadlineMs);
  try {
    return await Promise.race([run(), late.promise]);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return [findings(name).warning(`Cannot tell: ${why.slice(0, 200)}`, mend)];
  } finally {
    clearTimeout(timer);
  }
}
