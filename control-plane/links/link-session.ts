// A session of a link as others see it: who brings its messages, who carries its answers, and who wakes it.

export interface SessionSocket {
  send(text: string): void;
  close(code: number, reason: string): void;
}

export interface LinkSession {
  /** A text message; anything but a string is a protocol error. */
  receive(data: unknown): void;
  closed(): void;
  notify(topic: string | undefined): void;
  goaway(retryAfterMs: number): void;
}
