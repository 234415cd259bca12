/** Counts what is done, and says when so many are. */
export class Progress {
  #count = 0;
  #goal = Infinity;
  #reached: () => void = () => undefined;

  get count(): number {
    return this.#count;
  }

  readonly done = (): void => {
    this.#count += 1;
    if (this.#count >= this.#goal) this.#reached();
  };

  async reached(goal: number): Promise<void> {
    if (this.#count >= goal) return;
    await new Promise<void>((resolve) => {
      this.#goal = goal;
      this.#reached = resolve;
    });
    this.#goal = Infinity;
  }
}
