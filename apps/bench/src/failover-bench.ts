// Usage: npm run failover-bench [-- --help]: see failover/options.ts
import { failoverBench } from "./failover/command.ts";

process.exitCode = await failoverBench(process.argv.slice(2));
