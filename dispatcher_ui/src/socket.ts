/**
 * The connection to /ws/dispatch: frames in, acknowledgements out, reconnecting by itself.
 *
 * A frame is acknowledged after the browser has drawn it, so a tab that sleeps gets nothing, and
 * one frame with all that it missed when it wakes. Frames that come twice do no harm; when one was
 * lost, all is asked for anew.
 */

import { cursorOf, type Frame, type LonLat } from "./frames";

const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 8_000;
/** The server sends at least every 3 s; a connection that is silent for so long is dead. */
const SILENCE_MAX_MS = 12_000;

export class LiveSocket {
  /** When the newest frame came (Date.now()); null before the first one. */
  heardAtMs: number | null = null;
  isOpen = false;
  private socket: WebSocket | undefined;
  private view: [LonLat, LonLat] | undefined;
  private openedAtMs = 0;
  /** Frames that came over this connection. */
  private received = 0;
  private retryMs = RETRY_MIN_MS;
  private retry: ReturnType<typeof setTimeout> | undefined;

  /** mayReconnect: asked after each loss; false when there is no point in trying again. */
  constructor(
    private readonly onFrame: (frame: Frame) => void,
    private readonly onMoves: (frame: ArrayBuffer) => void,
    private readonly mayReconnect: () => Promise<boolean>,
  ) {
    addEventListener("online", () => this.connect());
    document.addEventListener("visibilitychange", () => this.hangUpIfDead());
    setInterval(() => this.hangUpIfDead(), 1_000);
  }

  connect(): void {
    if (this.socket !== undefined) return;
    clearTimeout(this.retry);
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/ws/dispatch`);
    this.socket = socket;
    this.openedAtMs = Date.now();
    this.received = 0;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.isOpen = true;
      if (this.view !== undefined) this.show(this.view);
    };
    socket.onmessage = (message: MessageEvent<string | ArrayBuffer>) => {
      if (this.socket !== socket) return;
      this.heardAtMs = Date.now();
      this.retryMs = RETRY_MIN_MS;
      const cursor = this.take(message.data);
      if (cursor === undefined) return this.hangUp();
      requestAnimationFrame(() => {
        if (socket.readyState === WebSocket.OPEN) socket.send(`{"ack":${cursor}}`);
      });
    };
    socket.onclose = () => {
      if (this.socket === socket) void this.reconnect();
    };
  }

  /** Say what part of the world is shown: drivers there are told of more often. */
  show(view: [LonLat, LonLat]): void {
    this.view = view;
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    this.socket.send(JSON.stringify({ view: view.flat() }));
  }

  /** Pass a frame on; its cursor, or undefined when one before it was lost. */
  private take(data: string | ArrayBuffer): number | undefined {
    this.received += 1;
    if (typeof data !== "string") {
      this.onMoves(data);
      return cursorOf(data);
    }
    const frame = JSON.parse(data) as Frame;
    if (frame.number > this.received) return undefined;
    this.received = frame.number;
    this.onFrame(frame);
    return frame.cursor;
  }

  private async reconnect(): Promise<void> {
    this.socket = undefined;
    this.isOpen = false;
    if (!(await this.mayReconnect())) return;
    const jitter = 0.5 + Math.random() / 2;
    this.retry = setTimeout(() => this.connect(), this.retryMs * jitter);
    this.retryMs = Math.min(this.retryMs * 2, RETRY_MAX_MS);
  }

  private hangUpIfDead(): void {
    const lastSignMs = Math.max(this.heardAtMs ?? 0, this.openedAtMs);
    if (this.socket === undefined || document.hidden) return;
    if (Date.now() - lastSignMs >= SILENCE_MAX_MS) this.hangUp();
  }

  private hangUp(): void {
    const dead = this.socket;
    void this.reconnect(); // closing a dead connection may take minutes; do not wait for it
    dead?.close();
  }
}
