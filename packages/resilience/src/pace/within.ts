/** Rejects when the answer takes longer; an answer that comes after that is given to `onLate`. */
export async function within<T>(answer: Promise<T>, ms: number, onLate: (answer: T) => void): Promise<T> {
  const late = Promise.withResolvers<never>();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    late.reject(new Error(`no answer within ${ms} ms`));
  }, ms);
  answer.then(
    (value) => isLate && onLate(value),
    () => undefined,
  );
  try {
    return await Promise.race([answer, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
