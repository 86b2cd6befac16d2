// Faults at a site: its boot network, BMCs, machines and disks, and the images that it fetches.
import type { BmcFaults } from "../machines/bmc/bmc-faults.ts";
import { imageTroubles, usualBytesPerMs } from "../network/images/image-servers.ts";
import { startRogueClient } from "../network/rogue-client.ts";
import { startRogueDhcp } from "../network/rogue-dhcp.ts";
import type { Segment } from "../network/segment.ts";
import { strangerAddress } from "../workload/addresses.ts";
import type { Fault, FaultClass } from "../workload/scenario.ts";
import { amount, conditions, image, machine, segment, turn, yes } from "./knobs.ts";
import type { Apply } from "./knobs.ts";
import type { World } from "./world.ts";

/** A knob of a BMC; afterwards it is what its personality makes it. */
function turnBmc<K extends keyof BmcFaults>(knob: K, to: (fault: Fault) => BmcFaults[K]): Apply {
  return (world, fault) => {
    setBmc(knob, to)(world, fault);
    return () => machine(world, fault)?.heal();
  };
}

/** One that wears off by itself. */
function setBmc<K extends keyof BmcFaults>(
  knob: K,
  to: (fault: Fault) => BmcFaults[K],
): (world: World, fault: Fault) => void {
  return (world, fault) => {
    const bmc = machine(world, fault)?.bmc;
    if (bmc !== undefined) bmc[knob] = to(fault);
  };
}

interface Joining {
  readonly network: Segment;
  readonly address: string;
  readonly tell: World["tell"];
}

/** Somebody who is on the boot network of a site for a while, and does not belong there. */
function rogue(start: (joining: Joining) => () => void): Apply {
  return (world, fault) => {
    const { networks, rogues, scenario, tell } = world;
    const network = networks.get(fault.target);
    if (network === undefined) return undefined;
    const address = strangerAddress(fault.target, scenario.faults.indexOf(fault));
    const end = start({ network, address, tell });
    rogues.add(end);
    return end;
  };
}

export const siteFaults = {
  "bmc-hangs": turnBmc("hangs", yes),
  "bmc-restarts": (world, fault) => machine(world, fault)?.restartBmc(fault.untilMs - fault.atMs),
  "bmc-loses-packets": turnBmc("lossChance", amount),
  "bmc-does-nothing": setBmc("forgetsPower", amount),
  "bmc-ignores-boot-device": setBmc("forgetsBootDevice", amount),
  "bmc-cached-power": turnBmc("cachedPowerMs", amount),
  "bmc-sessions-full": turnBmc("sessionsFull", yes),
  "bmc-flaps": turnBmc("flapMs", amount),
  "disk-error": (world, fault) => machine(world, fault)?.failChanges(fault.amount),
  "board-replaced": (world, fault) => machine(world, fault)?.replaceBoard(),
  "disk-renamed": (world, fault) => machine(world, fault)?.renameDisks(),
  "swapped-machine"(world, { target }) {
    if (isExchanged(world, target)) return false;
    exchangeCables(world, target);
    return () => {
      if (world.swapped.has(target)) exchangeCables(world, target);
    };
  },
  "network-loss": turn(conditions, "loss", 0, amount),
  "network-duplicates": turn(segment, "duplication", 0, amount),
  "rogue-dhcp": rogue(({ network, address }) => startRogueDhcp(network, address)),
  "rogue-client": rogue(({ network: segment, address, tell }) =>
    startRogueClient({ segment, address, tell }),
  ),
  "machine-power-loss": (world, fault) => machine(world, fault)?.powerLoss(fault.amount),
  "ramdisk-dies": (world, fault) => machine(world, fault)?.killRamdisk(),
  "image-missing": turn(image, "trouble", undefined, (fault) => imageTroubles[fault.amount]),
  "image-stalls"(world, fault) {
    if (fault.amount === 0) return turn(image, "stalled", false, yes)(world, fault);
    const bytesPerMs = (fault.amount * 1024) / 1_000;
    return turn(image, "bytesPerMs", usualBytesPerMs, () => bytesPerMs)(world, fault);
  },
  "image-truncated"(world, fault) {
    const knobs = image(world, fault);
    if (knobs !== undefined) knobs.truncations += fault.amount;
  },
  "image-changes"({ images: { byName, servers } }, { target, amount: when }) {
    const { url } = byName.get(target) ?? {};
    if (url === undefined) return undefined;
    if (when === 0) servers.change(url, 2);
    else servers.knobs(url).changes = 1;
    return () => servers.change(url, 1);
  },
} satisfies Partial<Record<FaultClass, Apply>>;

/** One that stands in another's place already: two exchanges that end in the order they began put nobody back. */
function isExchanged({ swapped }: World, pair: string): boolean {
  const names = pair.split("+");
  return [...swapped].some((each) => each.split("+").some((name) => names.includes(name)));
}

/** `pair` as "m3+m7"; the second time they are as before. */
export function exchangeCables({ machines, swapped, truth }: World, pair: string): void {
  const [one, other] = pair.split("+").map((name) => machines.get(name));
  if (one === undefined || other === undefined) return;
  one.exchangeCables(other);
  truth.exchanges += 1;
  if (!swapped.delete(pair)) swapped.add(pair);
}
