// The eight hops of a change and the files that make them; a hop that two programs share has two lines.
export const hops = {
  admission: { hop: 1, file: "control-plane/http/admission.ts" },
  watch: { hop: 2, file: "site-agent/cluster/watch.ts" },
  pin: { hop: 2, file: "site-agent/cluster/secrets/pins.ts" },
  seal: { hop: 2, file: "site-agent/cluster/secrets/follow-secrets.ts" },
  record: { hop: 3, file: "control-plane/app/record-desired.ts" },
  decide: { hop: 4, file: "shared/host/decide.ts" },
  commit: { hop: 5, file: "control-plane/store/hosts/commit-host.ts" },
  deliver: { hop: 6, file: "control-plane/links/session.ts" },
  operate: { hop: 7, file: "site-agent/operations/" },
  observe: { hop: 8, file: "control-plane/app/accept-observation.ts" },
  "write back": { hop: 8, file: "site-agent/cluster/writes/write-back.ts" },
} as const;

export type HopName = keyof typeof hops;
