// What the simulated world saw: the only thing that judges judge by. Events say what physically happened (a BMC
// switched, a disk changed, an API server stored an object, a row was committed), never what Farrier says about it.
import type { FaultClass } from "../workload/scenario.ts";

export type PowerAction = "on" | "off" | "cycle" | "reset" | "soft";
export type Place = "disk" | "network";
export type Running = "nothing" | "firmware" | "ramdisk" | "operating system";

/** Who asked an API server for something. */
export type Writer =
  | "kubectl"
  | "farrier"
  | "claimer"
  | "cluster-api"
  | "kubelet"
  | "garbage collector";

export type Happened =
  /** A BMC took a power command. `agent`: whose packet it was; undefined: the button, or somebody else. */
  | {
      readonly kind: "power-command";
      readonly machine: string;
      readonly action: PowerAction;
      readonly agent: string | undefined;
      /** False: the BMC said yes and did nothing, or said no. */
      readonly done: boolean;
    }
  /** The chassis went on or off, whatever the cause. */
  | {
      readonly kind: "power";
      readonly machine: string;
      readonly on: boolean;
      readonly why: "bmc" | "button" | "operating system" | "ramdisk" | "outage";
    }
  | {
      readonly kind: "boot-device";
      readonly machine: string;
      readonly place: Place | "none" | "other";
      readonly once: boolean;
      readonly agent: string | undefined;
    }
  | {
      readonly kind: "login";
      readonly machine: string;
      readonly user: string;
      /** The password that was proven, as far as the BMC can tell: which of those it ever had. */
      readonly ok: boolean;
      /** Number of the password of this BMC that it was (1 for the first); undefined: none of them. */
      readonly passwordNumber: number | undefined;
      readonly agent: string | undefined;
    }
  /** What runs on it now; `boot` counts starts of the machine, 1 for the first. */
  | {
      readonly kind: "running";
      readonly machine: string;
      readonly boot: number;
      readonly running: Running;
      /** Serial number of the disk that an operating system came from, and what it is: `Image.name`, or "old". */
      readonly disk?: string;
      readonly system?: string;
      /** Of a ramdisk's kernel. */
      readonly commandLine?: string;
    }
  /** A change of a disk by a ramdisk. */
  | {
      readonly kind: "disk";
      readonly machine: string;
      readonly boot: number;
      /** Serial number. */
      readonly disk: string;
      readonly change: "write" | "zero";
      readonly offset: number;
      readonly length: number;
    }
  /** A message between agent and ramdisk, as it passed on the wire. */
  | {
      readonly kind: "ramdisk-message";
      readonly machine: string;
      readonly boot: number;
      /** Who is at the other end; absent where one agent only can be. */
      readonly agent?: string;
      readonly direction: "to ramdisk" | "to agent";
      readonly type: string;
      readonly operationId: string | undefined;
      /** Of "run", and of "done" what was done. */
      readonly step?: string;
      /** Of an erase: what shall be erased; when it is done, what was, and whether that went well. */
      readonly disks?: readonly { readonly serialNumber: string; readonly ok: boolean }[];
      /** Of a "run" with a config drive: name of the host whose planted user data is in it. */
      readonly userDataOf?: string;
    }
  /** A connection of an agent to an instance of the control plane. Connections of an agent count from 1. */
  | {
      readonly kind: "link";
      readonly agent: string;
      readonly instance: string;
      readonly connection: number;
      readonly change: "opened" | "agent end closed" | "hub end closed";
      /** Of the WebSocket, where this end was told one. */
      readonly code?: number;
    }
  /** A frame reached a process that lives. */
  | {
      readonly kind: "frame";
      readonly agent: string;
      readonly instance: string;
      readonly connection: number;
      readonly to: "agent" | "hub";
      readonly type: string;
      /** Of a welcome and of an answered lease renewal. */
      readonly epoch?: number | undefined;
      readonly sequence?: number | undefined;
      /** Of observations that reach the hub: numbers of the first and the last. */
      readonly seqs?: readonly [number, number] | undefined;
      /** Of deliveries: which of the session's statements they answer. */
      readonly turn?: number | undefined;
      /** Of a welcome: the hello proved that the database went back in time. */
      readonly regressed?: boolean | undefined;
    }
  /** An agent sent a frame. */
  | {
      readonly kind: "sent";
      readonly agent: string;
      readonly connection: number;
      readonly type: string;
      /** Undefined: hello. */
      readonly epoch: number | undefined;
      /** Of lease renewals. */
      readonly sequence?: number | undefined;
      /** Of acknowledgements: deliveries that are durable now. */
      readonly stored?: readonly string[] | undefined;
    }
  /** The control plane gave an agent an identity: what it had told an earlier one counts no more. */
  | { readonly kind: "enrolled"; readonly agent: string }
  /** What the frames bring to an agent: all but what is written to Kubernetes. */
  | {
      readonly kind: "delivered";
      readonly agent: string;
      readonly what: "document" | "remove-document" | "operation" | "cancel";
      readonly hostUid: string;
      /** Of the delivery, for its acknowledgement. */
      readonly id: string;
      /** Of documents and operations. */
      readonly revision?: number | undefined;
      /** Of operations: how long after their receipt they may begin. */
      readonly validForMs?: number | undefined;
      readonly document?: {
        readonly bmcAddress: string;
        readonly bootMACAddress: string | undefined;
        readonly hold: {
          readonly paused: boolean;
          readonly detached: boolean;
          readonly externallyProvisioned: boolean;
          readonly disablePowerOff: boolean;
        };
      };
      readonly operationId?: string | undefined;
      /** Kind of the operation, and the URL of its image. */
      readonly work?: string;
      readonly image?: string | undefined;
    }
  /** What the frames bring to the hub: all observations but progress. */
  | {
      readonly kind: "reported";
      readonly agent: string;
      readonly seq: number;
      readonly what: string;
      readonly hostUid: string | undefined;
      readonly operationId: string | undefined;
      /** Kind of the failure, and whether something was destroyed by then. */
      readonly failure: string | undefined;
      readonly destroyed?: boolean;
    }
  | {
      readonly kind: "hello";
      readonly agent: string;
      /** Of the agent's program: new at each start. */
      readonly boot: string;
      readonly capabilities: readonly string[];
    }
  /** A DHCP answer that names a boot file or script. `machine` undefined: nobody of ours. */
  | {
      readonly kind: "boot-offer";
      readonly machine: string | undefined;
      readonly mac: string;
      readonly file: string;
      readonly server: string;
    }
  /** Something was given to a client on a boot network over HTTP. */
  | {
      readonly kind: "served";
      readonly machine: string | undefined;
      readonly client: string;
      readonly path: string;
      readonly status: number;
    }
  /** An image server gave bytes. */
  | { readonly kind: "image-served"; readonly url: string; readonly version: number }
  /** An API server stored it. `verb` "gone": the last form left the store. */
  | {
      readonly kind: "object";
      readonly cluster: string;
      readonly path: string;
      readonly verb: "create" | "update" | "status" | "delete" | "gone";
      readonly by: Writer;
      readonly before: KubernetesObject | undefined;
      readonly after: KubernetesObject;
    }
  | {
      readonly kind: "review";
      readonly cluster: string;
      readonly path: string;
      readonly dryRun: boolean;
      readonly allowed: boolean;
      /** False: refused, dry run, or another webhook said no afterwards. */
      readonly stored: boolean;
      /** How long the control plane took; undefined: no answer came. */
      readonly tookMs: number | undefined;
    }
  /** A watch of an agent at an API server. */
  | {
      readonly kind: "watch";
      readonly cluster: string;
      readonly resource: string;
      readonly open: boolean;
    }
  /** The database failed an instance, or answers it again. */
  | { readonly kind: "database"; readonly process: string; readonly answers: boolean }
  /** An API server gave a Secret away: as an answer, in a list or to a watch. */
  | {
      readonly kind: "secret-read";
      readonly cluster: string;
      readonly namespace: string;
      readonly name: string;
      readonly by: Writer;
    }
  /** A row of the control plane's database changed. Only in the in-memory tier. */
  | {
      readonly kind: "commit";
      readonly statement: string;
      /** Among the changes of its statement, 0 for the first. */
      readonly place: number;
      readonly table: string;
      readonly key: string;
      readonly before: Readonly<Record<string, unknown>> | undefined;
      readonly after: Readonly<Record<string, unknown>> | undefined;
    }
  /** A process began or ended; `crash` false: it stopped in order. */
  | { readonly kind: "started"; readonly process: string; readonly incarnation: number }
  | {
      readonly kind: "ended";
      readonly process: string;
      readonly incarnation: number;
      readonly crash: boolean;
      /** Its machine starts anew, too. */
      readonly isPowerCut?: boolean;
    }
  | { readonly kind: "fault"; readonly fault: FaultClass; readonly target: string }
  /** It could not be done until its time was over: an instance that was to crash was down all the while. */
  | { readonly kind: "fault-missed"; readonly fault: FaultClass; readonly target: string }
  | { readonly kind: "fault-ended"; readonly fault: FaultClass; readonly target: string }
  /** All faults have ended, and everybody runs. */
  | { readonly kind: "healed" }
  | {
      readonly kind: "log";
      readonly process: string;
      readonly level: "info" | "warn" | "error";
      readonly message: string;
      readonly fields: Readonly<Record<string, unknown>>;
    }
  /** A planted secret in the clear, where it must not be. */
  | { readonly kind: "leak"; readonly sink: string; readonly text: string };

export type WorldEvent = Happened & {
  readonly atMs: number;
  /** 1 for the first of the run. */
  readonly number: number;
};

export interface KubernetesObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly generation?: number;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly labels?: Readonly<Record<string, string>>;
    readonly finalizers?: readonly string[];
    readonly deletionTimestamp?: string;
    readonly [field: string]: unknown;
  };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}
