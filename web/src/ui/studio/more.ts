/** The dialog with address and token for encoders; what was shown in clear is masked again once it is closed. */

import { render } from "lit-html";
import { copyText } from "../copy";
import type { Translate } from "../i18n";
import { type EncoderAccess, encoderPanel } from "../studio-encoder";

export class EncoderSheet {
  private shown = { revealed: false, copied: null as string | null };

  constructor(
    private readonly dialog: HTMLDialogElement,
    private readonly access: EncoderAccess,
    private readonly keyFrameMs: () => number | null,
    private readonly t: Translate,
  ) {}

  open(): void {
    this.shown = { revealed: false, copied: null };
    this.dialog.showModal();
    this.draw();
  }

  /** Nothing happens while it is closed. */
  draw(): void {
    if (!this.dialog.open) return;
    const panel = {
      access: this.access,
      ...this.shown,
      keyFrameMs: this.keyFrameMs(),
      reveal: () => this.show({ revealed: !this.shown.revealed }),
      copy: (piece: string, text: string) => void this.copy(piece, text),
      close: () => this.dialog.close(),
    };
    render(encoderPanel(panel, this.t), this.dialog);
  }

  private async copy(piece: string, text: string): Promise<void> {
    if (await copyText(text)) this.show({ copied: piece });
  }

  private show(news: Partial<typeof this.shown>): void {
    this.shown = { ...this.shown, ...news };
    this.draw();
  }
}
