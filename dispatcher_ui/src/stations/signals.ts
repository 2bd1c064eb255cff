/** What a scan sounds and feels like: a wrong one must be noticed without looking. */

const KEPT = "scan sound";
let audio: AudioContext | undefined;

export const isSoundOn = (): boolean => localStorage.getItem(KEPT) !== "off";
export const setSound = (isOn: boolean): void => localStorage.setItem(KEPT, isOn ? "on" : "off");

/** One high note when it is right; two low ones when it is wrong. */
export function signal(isGood: boolean): void {
  navigator.vibrate?.(isGood ? 40 : [160, 80, 160]);
  if (!isSoundOn()) return;
  audio ??= new AudioContext();
  if (isGood) note(audio, 1_320, 0, 0.09);
  else {
    note(audio, 180, 0, 0.2);
    note(audio, 140, 0.26, 0.3);
  }
}

function note(context: AudioContext, hertz: number, afterS: number, lastsS: number): void {
  const [tone, volume] = [context.createOscillator(), context.createGain()];
  const beginsS = context.currentTime + afterS;
  tone.type = hertz > 500 ? "sine" : "square";
  tone.frequency.value = hertz;
  volume.gain.setValueAtTime(0.25, beginsS);
  volume.gain.exponentialRampToValueAtTime(0.001, beginsS + lastsS);
  tone.connect(volume).connect(context.destination);
  tone.start(beginsS);
  tone.stop(beginsS + lastsS);
}
