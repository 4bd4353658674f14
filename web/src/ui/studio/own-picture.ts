/** What a presenter has of the own camera and microphone: preview, level and the two switches. */

import type { DevicesState } from "../../media/devices";
import { type Level, LevelMeter } from "../../media/level";

export interface Switches {
  readonly camera: boolean;
  readonly microphone: boolean;
}

export class OwnPicture {
  private camera: MediaStreamTrack | null = null;
  private microphone: MediaStreamTrack | null = null;
  private readonly meter: LevelMeter;

  /** `meterElement` is drawn anew at times: it is asked for each time. */
  constructor(
    private readonly preview: HTMLVideoElement,
    private readonly meterElement: () => HTMLElement | null,
    heard: (level: Level) => void,
  ) {
    this.meter = new LevelMeter((level) => {
      this.meterElement()?.style.setProperty("--v", level.value.toFixed(3));
      heard(level);
    });
  }

  /** True where there is another camera or microphone than before. */
  follow({ camera, microphone }: DevicesState, on: Switches): boolean {
    const changed = this.camera !== camera || this.microphone !== microphone;
    if (this.camera !== camera) this.preview.srcObject = camera === null ? null : new MediaStream([camera]);
    if (this.microphone !== microphone) this.listen(microphone);
    this.camera = camera;
    this.microphone = microphone;
    this.turn(on);
    return changed;
  }

  turn(on: Switches): void {
    if (this.camera !== null) this.camera.enabled = on.camera;
    if (this.microphone !== null) this.microphone.enabled = on.microphone;
  }

  /** A browser lets sound be measured only after a gesture. */
  wake(): void {
    void this.meter.resume();
  }

  private listen(microphone: MediaStreamTrack | null): void {
    if (microphone === null) {
      this.meter.stop();
      this.meterElement()?.style.setProperty("--v", "0");
    } else this.meter.start(microphone);
  }
}
