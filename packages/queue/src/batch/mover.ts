import { type Batcher, createBatcher } from "./batcher.ts";
import type { Call, Many, OrdinaryCall } from "./move-many.ts";

/** Makes calls, each with others of its kind that are made in the same turn of the event loop. */
export type Mover = Pick<Batcher<Call>, "one">;

interface MoverParts {
  readonly finishes: Many<OrdinaryCall>;
  readonly moves: Many<Call>;
  /** In one script call. */
  readonly most: number;
}

/**
 * What only BullMQ's scripts can do, such as a failure, has script calls of its own: what went with it would have to go by them too, and an
 * answer that hands over a job would wait for that of another script.
 */
export function createMover({ finishes, moves, most }: MoverParts): Mover {
  const ordinary = createBatcher({ run: finishes, most });
  const others = createBatcher({ run: moves, most });
  return { one: (call) => (isOrdinary(call) ? ordinary.one(call) : others.one(call)) };
}

export function isOrdinary(call: Call): call is OrdinaryCall {
  return call.finish !== undefined;
}
