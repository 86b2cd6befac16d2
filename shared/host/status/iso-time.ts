// Times as Kubernetes writes them: RFC 3339, UTC, whole seconds.

export function isoTime(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 19)}Z`;
}

/** For messages about today: "12:01:07Z". */
export function clockTime(epochMs: number): string {
  return isoTime(epochMs).slice(11);
}
