// Which disk the image goes to. The rules are upstream's (baremetal-operator devicehints.go, ironic-python-agent
// device_hints.py) with one exception: hints that fit several disks choose none of them, where upstream takes
// the first in an order that may change from boot to boot.
import type { RootDeviceHints } from "../metal3/bare-metal-host.ts";
import type { Storage } from "../metal3/hardware-details.ts";
import { err, ok, quote } from "../result.ts";
import type { Result } from "../result.ts";
import { describeDisk, diskIdentityOf } from "./disk-identity.ts";

const gibibyte = 1024 ** 3;
/** Without hints: the smallest disk of at least so many bytes. */
const minimumRootBytes = 4 * gibibyte;

export interface RootDiskChoice {
  readonly disk: Storage;
  /** Which rule chose it, for people: "by serialNumber and minSizeGigabytes". */
  readonly because: string;
}

type HintName = keyof RootDeviceHints;
type Test = (hints: RootDeviceHints, disk: Storage) => boolean | undefined;

/** Each test: undefined when the hint is not given. An empty string and a size of 0 count as not given. */
const tests: Readonly<Record<HintName, Test>> = {
  deviceName: ({ deviceName }, disk) =>
    given(deviceName, (hint) => namesOf(disk).some((name) => normal(name) === hint)),
  hctl: ({ hctl }, disk) => equal(hctl, disk.hctl),
  model: ({ model }, disk) => given(model, (hint) => normal(disk.model).includes(hint)),
  vendor: ({ vendor }, disk) => given(vendor, (hint) => normal(disk.vendor).includes(hint)),
  serialNumber: ({ serialNumber }, disk) => equal(serialNumber, disk.serialNumber),
  minSizeGigabytes: ({ minSizeGigabytes: size }, disk) =>
    size === undefined || size === 0 ? undefined : (disk.sizeBytes ?? 0) >= size * gibibyte,
  wwn: ({ wwn }, disk) => equal(wwn, disk.wwn),
  wwnWithExtension: ({ wwnWithExtension }, disk) => equal(wwnWithExtension, disk.wwnWithExtension),
  wwnVendorExtension: ({ wwnVendorExtension }, disk) =>
    equal(wwnVendorExtension, disk.wwnVendorExtension),
  rotational: ({ rotational }, disk) =>
    rotational === undefined ? undefined : (disk.rotational ?? false) === rotational,
};
const hintNames = Object.keys(tests) as HintName[];

/**
 * The one disk that the hints describe; without hints the smallest disk of at least 4 GiB, of equals the
 * first by name. "no-disk": none or several fit; the message lists the disks and why each was passed over.
 */
export function chooseRootDisk(
  hints: RootDeviceHints | undefined,
  disks: readonly Storage[],
): Result<RootDiskChoice, "no-disk"> {
  const given = givenHints(hints);
  if (hints === undefined || given.length === 0) return smallest(disks);
  const verdicts = disks.map((disk) => ({ disk, failed: failedHint(hints, disk) }));
  const fitting = verdicts.filter(({ failed }) => failed === undefined);
  const [first, second] = fitting;
  if (first !== undefined && second === undefined) {
    return ok({ disk: first.disk, because: `by ${given.join(" and ")}` });
  }
  if (first === undefined) {
    const reasons = verdicts.map(({ disk, failed }) => `${describe(disk)}: ${failed ?? ""}`);
    return err(
      "no-disk",
      `No disk fits spec.rootDeviceHints: ${list(reasons)}; correct the hints or add the disk`,
    );
  }
  const names = fitting.map(({ disk }) => describe(disk));
  return err(
    "no-disk",
    `spec.rootDeviceHints (${given.join(", ")}) fit ${fitting.length} disks: ${list(names)}; add a hint that fits one, such as serialNumber`,
  );
}

/** The hints that say something, by name. */
export function givenHints(hints: RootDeviceHints | undefined): readonly HintName[] {
  if (hints === undefined) return [];
  return hintNames.filter((name) => tests[name](hints, {}) !== undefined);
}

function failedHint(hints: RootDeviceHints, disk: Storage): string | undefined {
  const name = hintNames.find((hint) => tests[hint](hints, disk) === false);
  if (name === undefined) return undefined;
  if (name === "minSizeGigabytes")
    return `minSizeGigabytes ${hints[name] ?? 0} is more than it has`;
  const value = name === "deviceName" ? namesOf(disk).join(" or ") : disk[name];
  return `${name} ${quote(hints[name])} is not ${quote(value ?? "")}`;
}

/** Large enough to be chosen without hints. */
export function hasRootSize({ sizeBytes = 0 }: Storage): boolean {
  return sizeBytes >= minimumRootBytes;
}

function smallest(disks: readonly Storage[]): Result<RootDiskChoice, "no-disk"> {
  const [first] = disks
    .filter(hasRootSize)
    .toSorted((a, b) => (a.sizeBytes ?? 0) - (b.sizeBytes ?? 0) || byKernelName(a, b));
  if (first !== undefined) {
    return ok({ disk: first, because: "as the smallest disk of at least 4 GiB, without hints" });
  }
  return err(
    "no-disk",
    `No disk has 4 GiB or more: ${list(disks.map(describe))}; add one, or choose one by spec.rootDeviceHints`,
  );
}

function byKernelName(a: Storage, b: Storage): number {
  const [left, right] = [kernelName(a), kernelName(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

function kernelName(disk: Storage): string {
  return namesOf(disk).find((name) => !name.startsWith("/dev/disk/")) ?? disk.name ?? "";
}

function namesOf(disk: Storage): readonly string[] {
  const names = [...(disk.name === undefined ? [] : [disk.name]), ...(disk.alternateNames ?? [])];
  return [...new Set(names)];
}

function describe(disk: Storage): string {
  return describeDisk({ ...diskIdentityOf(disk), name: kernelName(disk) });
}

/** Bounded: a machine may have a thousand disks, a message not. */
function list(items: readonly string[]): string {
  if (items.length === 0) return "there are no disks";
  const shown = items.slice(0, 8).join("; ");
  return items.length > 8 ? `${shown}; and ${items.length - 8} more` : shown;
}

function equal(hint: string | undefined, value: string | undefined): boolean | undefined {
  return given(hint, (wanted) => normal(value) === wanted);
}

function given(
  hint: string | undefined,
  test: (normalHint: string) => boolean,
): boolean | undefined {
  const wanted = normal(hint);
  return wanted === "" ? undefined : test(wanted);
}

/** Upstream compares without case and without blanks at the ends. */
function normal(text: string | undefined): string {
  return (text ?? "").trim().toLowerCase();
}
