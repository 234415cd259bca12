import { type Option } from "commander";

import { flag } from "../flags.ts";

export interface ReasonFlags {
  readonly reason?: string;
}

export function reasonFlag(): Option {
  return flag("--reason <words>", "why; stands in the audit log, and is asked for where it can be");
}
