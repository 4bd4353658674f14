/** A presenter's phone must not go to sleep: a dark screen stops the camera. */

export class Awake {
  private lock: WakeLockSentinel | null = null;
  private wanted = false;

  /** Browsers drop the lock when the page is hidden; `keep(true)` again takes it back. */
  async keep(wanted: boolean): Promise<void> {
    this.wanted = wanted;
    if (!wanted) {
      const lock = this.lock;
      this.lock = null;
      await lock?.release().catch(() => undefined);
      return;
    }
    if (this.lock !== null && !this.lock.released) return;
    try {
      const lock = (await navigator.wakeLock?.request("screen")) ?? null;
      if (this.wanted) this.lock = lock;
      else await lock?.release();
    } catch {
      // Low battery or a hidden page: the show goes on, only less surely.
      return;
    }
  }
}
