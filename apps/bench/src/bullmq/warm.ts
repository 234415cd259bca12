/**
 * V8 is at work on a process' code for its first tens of thousands of jobs, on the same core here. Most jobs meet a program that has been
 * up for longer: so many come first, of both systems. What a program takes that has just begun, the start-up rows say.
 */
export const AT_WORK = 60_000;
