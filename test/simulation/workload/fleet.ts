// The fleet of a scenario: clusters, sites, machines with their disks, images. Each thing is drawn from a stream of
// its own name. Does not say who owns what; that is the histories'.
import type { Random } from "../kernel/random.ts";
import type { ClusterPlan, ImagePlan, ImageServerPlan, MachinePlan, SitePlan } from "./scenario.ts";

export interface Fleet {
  readonly clusters: readonly ClusterPlan[];
  readonly sites: readonly SitePlan[];
  readonly machines: readonly MachinePlan[];
  readonly images: readonly ImagePlan[];
}

const gibibyte = 1024 ** 3;
const mebibyte = 1024 ** 2;
/** Few sizes, so that a process makes each image once. All beyond the first MiB, which is written last. */
const imageBytes = [1.5 * mebibyte, 2 * mebibyte, 4 * mebibyte];
const diskGibibytes = [8, 16, 16, 32, 64];
const hour = 3_600_000;
const unhurried = "unhurried-bmc";
const oddServers: readonly ImageServerPlan[] = [
  { redirect: "same host" },
  { redirect: "other host" },
  { redirect: "other host", etag: "none" },
  { etag: "weak" },
  { etag: "none", ranges: false },
];

export function drawFleet(random: Random, hosts: number, quirks: readonly string[]): Fleet {
  const shape = random.split("shape");
  const sites = Array.from({ length: siteCount(shape, hosts) }, (_, at) =>
    drawSite(random.split(`site ${at + 1}`), `site-${at + 1}`),
  );
  const clusters = Array.from({ length: shape.chance(0.6) ? 1 : 2 }, (_, at) => ({
    name: `cluster-${at + 1}`,
    site: sites[at] !== undefined && shape.chance(0.7) ? sites[at].name : undefined,
    ...machineKinds(random, at + 1),
  }));
  const machines = Array.from({ length: hosts }, (_, at) => {
    const site = sites[at % sites.length]!.name;
    return drawMachine(random.split(`machine ${at + 1}`), `m${at + 1}`, { site, quirks });
  });
  const images = Array.from({ length: shape.between(2, 4) }, (_, at) =>
    drawImage(random.split(`image ${at + 1}`), `image-${at + 1}`, quirks.length > 0),
  );
  const guarded =
    quirks.length === 0 ? sites : sites.map((site) => withGuard(random, site, machines));
  return { clusters, sites: guarded, machines, images };
}

/** Those of two of five are cluster-api's, of one OpenShift's. */
function machineKinds(random: Random, number: number): Omit<ClusterPlan, "name" | "site"> {
  if (random.split(`cluster ${number}`).chance(0.4)) return { hasClusterApi: true };
  return random.split(`openshift ${number}`).chance(1 / 3) ? { hasOpenShift: true } : {};
}

export function hasMachines({ hasClusterApi, hasOpenShift }: ClusterPlan): boolean {
  return hasClusterApi === true || hasOpenShift === true;
}

/** Few operators restrict what is done at their site. */
function withGuard(random: Random, site: SitePlan, machines: readonly MachinePlan[]): SitePlan {
  const draws = random.split(`guard ${site.name}`);
  if (!draws.chance(0.2)) return site;
  const names = machines.flatMap((each) => (each.site === site.name ? [each.name] : []));
  const hostsPer10Minutes = draws.chance(0.7) ? draws.between(1, 3) : undefined;
  const protects = draws.chance(0.5) ? [draws.pick(names)] : [];
  return { ...site, guard: { hostsPer10Minutes, protects } };
}

/** No site without two hosts. */
function siteCount(random: Random, hosts: number): number {
  return Math.max(1, Math.min(random.pick([1, 1, 2, 2, 3]), Math.floor(hosts / 2)));
}

function drawSite(random: Random, name: string): SitePlan {
  const isWrong = random.chance(0.3);
  return {
    name,
    skewMs: isWrong ? random.between(-hour, hour) : random.between(-200, 200),
    driftPpm: random.between(-100, 100),
  };
}

function drawMachine(
  random: Random,
  name: string,
  { site, quirks }: { readonly site: string; readonly quirks: readonly string[] },
): MachinePlan {
  const count = random.pick([1, 1, 2, 2, 2, 3]);
  const isOdd = quirks.length > 0 && random.chance(0.3);
  const isUnhurried = quirks.includes(unhurried) && random.split("pace").chance(0.6);
  return {
    name,
    site,
    firmware: random.chance(0.7) ? "UEFI" : "BIOS",
    cipherSuite: random.chance(0.7) ? 17 : 3,
    disks: Array.from({ length: count }, (_, at) => ({
      serialNumber: `${name}-d${at + 1}`,
      sizeBytes: random.pick(diskGibibytes) * gibibyte,
    })),
    content: random.chance(0.6) ? "old" : "empty",
    bootOrder: random.chance(0.5) ? ["network", "disk"] : ["disk", "network"],
    quirks: withPace(
      isOdd ? random.shuffle(quirks).slice(0, random.between(1, 2)).toSorted() : [],
      isUnhurried,
    ),
    shuffledDisks: random.chance(0.3),
  };
}

/** First, so that what is odder counts. */
function withPace(quirks: readonly string[], isUnhurried: boolean): readonly string[] {
  const others = quirks.filter((each) => each !== unhurried);
  return isUnhurried ? [unhurried, ...others] : quirks;
}

function drawImage(random: Random, name: string, mayBeOdd: boolean): ImagePlan {
  const format = random.chance(0.6) ? "raw" : "qcow2";
  const image = { name, format, sizeBytes: random.pick(imageBytes) } as const;
  const server = random.pick(oddServers);
  return mayBeOdd && random.chance(0.4) ? { ...image, server } : image;
}
