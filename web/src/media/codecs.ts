/** The house codecs, H.264 constrained baseline in packetization mode 1 and Opus, put first. Pure. */

export interface Codec {
  readonly mimeType: string;
  readonly sdpFmtpLine?: string;
}

/** Order `codecs` for setCodecPreferences: the house codec, its kin, retransmission; [] when there is none of it. */
export function houseFirst<C extends Codec>(kind: "audio" | "video", codecs: readonly C[]): C[] {
  if (kind === "audio") return codecs.filter((codec) => codec.mimeType.toLowerCase() === "audio/opus");
  const usable = codecs.filter((codec) => isUsable(codec));
  if (usable.length === 0) return [];
  const exact = usable.filter((codec) => profile(codec) === "42e01f");
  const kin = usable.filter((codec) => profile(codec) !== "42e01f");
  const repair = codecs.filter((codec) => codec.mimeType.toLowerCase() === "video/rtx");
  return [...exact, ...kin, ...repair];
}

function isUsable(codec: Codec): boolean {
  return (
    codec.mimeType.toLowerCase() === "video/h264" &&
    /packetization-mode=1/.test(codec.sdpFmtpLine ?? "") &&
    profile(codec).startsWith("42")
  );
}

function profile(codec: Codec): string {
  return /profile-level-id=([0-9a-f]{6})/i.exec(codec.sdpFmtpLine ?? "")?.[1]?.toLowerCase() ?? "";
}
