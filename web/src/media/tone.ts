/** A test tone for speakers: a gentle three-note figure, so that nobody mistakes it for a fault. */

const NOTES_HZ = [523.25, 659.25, 783.99] as const;
const NOTE_S = 0.28;
const GAIN = 0.2;

/** Play it once; resolves when it has ended. Call it from a tap: browsers keep sound shut until then. */
export async function playTone(speakerId: string | null): Promise<void> {
  const context = new AudioContext();
  try {
    await sendTo(context, speakerId);
    await context.resume();
    const start = context.currentTime + 0.05;
    const last = NOTES_HZ.map((frequency, index) => note(context, frequency, start + index * NOTE_S)).pop();
    await new Promise<void>((resolve) => {
      if (last === undefined) return resolve();
      last.onended = () => resolve();
    });
  } finally {
    await context.close();
  }
}

function note(context: AudioContext, frequency: number, at: number): OscillatorNode {
  const oscillator = context.createOscillator();
  const gain = context.createGain();
  oscillator.frequency.value = frequency;
  gain.gain.setValueAtTime(0, at);
  gain.gain.linearRampToValueAtTime(GAIN, at + 0.03);
  gain.gain.linearRampToValueAtTime(0, at + NOTE_S);
  oscillator.connect(gain).connect(context.destination);
  oscillator.start(at);
  oscillator.stop(at + NOTE_S);
  return oscillator;
}

async function sendTo(context: AudioContext, speakerId: string | null): Promise<void> {
  if (speakerId === null || speakerId === "" || !("setSinkId" in context)) return;
  try {
    await (context as { setSinkId(id: string): Promise<void> }).setSinkId(speakerId);
  } catch {
    // The default output is better than silence.
    return;
  }
}
