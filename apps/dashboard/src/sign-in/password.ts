import { randomBytes, scrypt, type ScryptOptions, timingSafeEqual } from "node:crypto";

/** OWASP's first choice for scrypt: 128 MiB and about half a second of one core a try. */
const LOG_N = 17;
const BLOCK = 8;
const PARALLEL = 1;
const KEY_BYTES = 32;
const SALT_BYTES = 16;
const MAX_PASSWORD = 1024;

const shape =
  /^scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([\w+/-]{22,88}={0,2})\$([\w+/-]{43,88}={0,2})$/u;

interface Parsed {
  readonly logN: number;
  readonly r: number;
  readonly p: number;
  readonly salt: Buffer;
  readonly key: Buffer;
}

/** scrypt$ln=17,r=8,p=1$salt$key, the last two in base64. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const key = await derive(password, { logN: LOG_N, r: BLOCK, p: PARALLEL, salt, length: KEY_BYTES });
  return `scrypt$ln=${LOG_N},r=${BLOCK},p=${PARALLEL}$${salt.toString("base64")}$${key.toString("base64")}`;
}

export function isHash(line: string): boolean {
  return parse(line) !== undefined;
}

/** An unknown user costs the same work as a wrong password, so that time does not tell names. */
export async function verifyPassword(line: string | undefined, password: string): Promise<boolean> {
  const parsed = parse(line ?? "") ?? nobody;
  const key = await derive(password.slice(0, MAX_PASSWORD), { ...parsed, length: parsed.key.length });
  return timingSafeEqual(key, parsed.key) && parsed !== nobody;
}

const nobody: Parsed = {
  logN: LOG_N,
  r: BLOCK,
  p: PARALLEL,
  salt: randomBytes(SALT_BYTES),
  key: randomBytes(KEY_BYTES),
};

function parse(line: string): Parsed | undefined {
  const [, logN, r, p, salt, key] = shape.exec(line) ?? [];
  if (salt === undefined || key === undefined) return undefined;
  const parsed = { logN: Number(logN), r: Number(r), p: Number(p) };
  // Below, guessing is cheap; above, one sign-in is an outage.
  const isSane =
    parsed.logN >= 14 &&
    parsed.logN <= 19 &&
    parsed.r >= 8 &&
    parsed.r <= 16 &&
    parsed.p >= 1 &&
    parsed.p <= 5;
  if (!isSane) return undefined;
  return { ...parsed, salt: Buffer.from(salt, "base64"), key: Buffer.from(key, "base64") };
}

// One at a time: each takes 128 MiB, and whoever floods the sign-in must not take the rest of the process with it.
let turn: Promise<unknown> = Promise.resolve();

function derive(password: string, how: Omit<Parsed, "key"> & { readonly length: number }): Promise<Buffer> {
  const mine = turn.then(() => deriveNow(password, how));
  turn = mine.catch(() => undefined);
  return mine;
}

function deriveNow(
  password: string,
  { logN, r, p, salt, length }: Omit<Parsed, "key"> & { readonly length: number },
): Promise<Buffer> {
  const N = 2 ** logN;
  const options: ScryptOptions = { N, r, p, maxmem: 2 * 128 * N * r };
  return new Promise((resolve, reject) => {
    scrypt(password.normalize("NFKC"), salt, length, options, (error, key) => {
      if (error) reject(error);
      else resolve(key);
    });
  });
}
