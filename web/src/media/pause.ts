/** Sleeping between looks and attempts, in ways that news or an end cut short. */

export class Pause {
  private wakeUp: (() => void) | null = null;

  /** End the nap that is under way, if any. */
  wake(): void {
    this.wakeUp?.();
  }

  /** Sleep that any news cuts short; one at a time. */
  nap(ms: number, life: AbortSignal): Promise<void> {
    if (life.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => done(), ms);
      const done = () => {
        clearTimeout(timer);
        if (this.wakeUp === done) this.wakeUp = null;
        resolve();
      };
      this.wakeUp = done;
    });
  }

  /** Sleep that only the end of `life` cuts short: a server that asked for patience gets it. */
  patience(ms: number, life: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      life.addEventListener("abort", () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
