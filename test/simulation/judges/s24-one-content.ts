// S24: a disk that a write was said to have filled holds one image, and not parts of several; and one that boots holds
// a whole one, whenever the power goes.
import type { DiskTruth, Image, Truth } from "../world/truth.ts";
import { stateOf, statusOf } from "./host-of.ts";
import type { JudgeKind } from "./judge.ts";
import { Swapped } from "./swapped.ts";

/** Boot record and partition table are made to fit the disk; the copy at the image's end belongs at the disk's. */
const tableBytes = 34 * 512;
const sectorBytes = 512;
const manyBytes = 64 * 1024;

export const s24: JudgeKind = {
  id: "S24",
  says: "a disk that boots, or whose host is provisioned, holds the bytes of one image only, whenever the power goes",
  make(report) {
    /** Disks that each boot has changed. */
    const changed = new Map<string, Set<string>>();
    const mixed = new Map<string, string>();
    const swapped = new Swapped();
    return {
      on: {
        fault: (event) => swapped.onFault(event),
        disk({ machine, boot, disk, change, offset }, truth) {
          if (change !== "write") return;
          const key = `${machine} ${boot}`;
          changed.set(key, (changed.get(key) ?? new Set()).add(disk));
          const written = diskOf(truth, machine, disk);
          if (offset >= tableBytes || written === undefined) return;
          const image = truth.images.find(({ name }) => name === written.system);
          const at = image === undefined ? undefined : lostAt(written, image);
          if (at !== undefined)
            report(
              `${disk} would boot ${image?.name} after a loss of power, without ${at}`,
              machine,
            );
        },
        "ramdisk-message"({ machine, boot, direction, type, step }, truth) {
          if (direction !== "to agent" || type !== "done" || step !== "write") return;
          const disks = truth.machines.get(machine)?.disks ?? [];
          const written = disks.filter(({ serialNumber }) =>
            changed.get(`${machine} ${boot}`)?.has(serialNumber),
          );
          const isWhole = written.some(
            (disk) => disk.unflushedBytes === 0 && truth.images.some((image) => isOn(disk, image)),
          );
          if (isWhole) mixed.delete(machine);
          else mixed.set(machine, written.map(({ serialNumber }) => serialNumber).join(", "));
        },
        running({ machine, running, disk, system }, truth) {
          if (running !== "operating system") return;
          const image = truth.images.find(({ name }) => name === system);
          const from = diskOf(truth, machine, disk);
          if (image === undefined || from === undefined) return;
          const at = foreignAt(from, image);
          if (at !== undefined)
            report(`boots ${system}, and ${disk} has other bytes at ${at}`, machine);
        },
        object({ before, after }, truth) {
          if (after.kind !== "BareMetalHost" || stateOf(after) !== "provisioned") return;
          if (stateOf(before) !== "provisioning") return;
          for (const [machine, disks] of mixed) {
            const isIts = truth
              .hostsOf(machine)
              .some(({ object }) => object.metadata.uid === after.metadata.uid);
            if (!isIts || swapped.has(machine)) continue;
            const url = statusOf(after).provisioning?.image?.url;
            report(`provisioned with ${url}, and ${disks} holds no image as it is`, machine);
          }
        },
      },
    };
  },
};

function diskOf(truth: Truth, machine: string, serial: string | undefined): DiskTruth | undefined {
  return truth.machines.get(machine)?.disks.find(({ serialNumber }) => serialNumber === serial);
}

function piecesOf(
  { bytes }: Image,
  pieceBytes: number,
): readonly (readonly [at: number, piece: Uint8Array])[] {
  const end = bytes.length - tableBytes;
  const pieces: [number, Uint8Array][] = [];
  for (let at = tableBytes; at < end; at += pieceBytes) {
    pieces.push([at, bytes.subarray(at, Math.min(at + pieceBytes, end))]);
  }
  return pieces;
}

function differs(disk: DiskTruth, [at, piece]: readonly [number, Uint8Array]): boolean {
  return !disk.holds(at, piece);
}

function isOn(disk: DiskTruth, image: Image): boolean {
  return !piecesOf(image, manyBytes).some((piece) => differs(disk, piece));
}

/** Where a loss of power would leave something else than the image. */
function lostAt(disk: DiskTruth, image: Image): number | undefined {
  return piecesOf(image, manyBytes).find(([at, piece]) => !disk.keeps(at, piece))?.[0];
}

/** Where the disk has what is neither the image's nor erased. */
function foreignAt(disk: DiskTruth, image: Image): number | undefined {
  if (isOn(disk, image)) return undefined;
  return piecesOf(image, sectorBytes).find(
    ([at, piece]) => differs(disk, [at, piece]) && !disk.isZero(at, piece.length),
  )?.[0];
}
