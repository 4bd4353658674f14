/** Small questions to an RTCPeerConnection that browsers answer in their own ways. */

/** The server answers, and still there is no media path; asked again all the same. */
export class Trouble extends Error {
  constructor(readonly code: "media.no_path" | "media.bad_answer" | "media.no_connection") {
    super(code);
    this.name = "Trouble";
  }
}

export function openPeer(): RTCPeerConnection {
  // No STUN server: the one we talk to is ICE-lite with public candidates (RFC 8445 2.5).
  return new RTCPeerConnection({ iceServers: [], bundlePolicy: "max-bundle" });
}

/** Raises Trouble "media.bad_answer". */
export async function takeAnswer(connection: RTCPeerConnection, sdp: string): Promise<void> {
  try {
    await connection.setRemoteDescription({ type: "answer", sdp });
  } catch {
    throw new Trouble("media.bad_answer");
  }
}

export function transports(connection: RTCPeerConnection): RTCDtlsTransport[] {
  const found = connection.getTransceivers().flatMap(({ sender, receiver }) => [sender.transport, receiver.transport]);
  return [...new Set(found.filter((transport) => transport !== null))];
}

/** The server has ended this connection, and with it all that it held for it. */
export function isEnded(connection: RTCPeerConnection): boolean {
  return transports(connection).some(({ state }) => state === "closed");
}

/** Only the DTLS transport tells that the server closed; connectionState stays "connected" in Chromium. */
export function isDown(connection: RTCPeerConnection): boolean {
  if (connection.connectionState === "failed" || connection.connectionState === "closed") return true;
  return isEnded(connection) || transports(connection).some(({ state }) => state === "failed");
}
