/** Waiting between attempts: short at first, jittered so that a crowd does not come back in one instant. */

/** Milliseconds before attempt number `attempt` (0 = the first one after trouble); `random` is in [0, 1). */
export function delayMs(attempt: number, random: number): number {
  const ceiling = Math.min(800, 100 * 2 ** Math.min(attempt, 8));
  return Math.round(ceiling * (0.5 + random / 2));
}

/** Deadline of one HTTP attempt in ms: short while a cut link may return any moment, now and then long for slow links. */
export function deadlineMs(attempt: number): number {
  if (attempt < 4) return 1_500;
  return attempt % 3 === 2 ? 8_000 : 2_500;
}
