// Signatures that libblkid 2.38 recognises on a disk of 64 MiB, each as the fewest bytes that make `wipefs`
// list it. Together they name every region that erasing must reach. Negative offsets count from the end.

export interface Signature {
  /** As wipefs calls it. */
  readonly type: string;
  readonly parts: readonly { readonly offset: number; readonly hex: string }[];
}

export const signatures: readonly Signature[] = [
  { type: "ext2", parts: [{ offset: 0x438, hex: "53ef" }] },
  { type: "btrfs", parts: [{ offset: 0x10040, hex: "5f42485266535f4d" }] },
  { type: "VMFS", parts: [{ offset: 0x200000, hex: "5ef1ab2f" }] },
  { type: "VMFS_volume_member", parts: [{ offset: 0x100000, hex: "0dd001c0" }] },
  {
    type: "isw_raid_member",
    parts: [{ offset: -0x400, hex: "496e74656c20526169642049534d20436667205369672e20" }],
  },
  {
    type: "promise_fasttrack_raid_member",
    parts: [{ offset: -0x7e00, hex: "50726f6d69736520546563686e6f6c6f67792c20496e632e" }],
  },
  {
    type: "promise_fasttrack_raid_member",
    parts: [{ offset: -0x181e00, hex: "50726f6d69736520546563686e6f6c6f67792c20496e632e" }],
  },
  { type: "hpt37x_raid_member", parts: [{ offset: 0x1220, hex: "f016785a" }] },
  { type: "hpt45x_raid_member", parts: [{ offset: -0x1600, hex: "f316785a" }] },
  { type: "lsi_mega_raid_member", parts: [{ offset: -0x200, hex: "245849444524" }] },
  { type: "nvidia_raid_member", parts: [{ offset: -0x400, hex: "4e564944494100001e000000" }] },
  { type: "ufs", parts: [{ offset: 0x4055c, hex: "19015419" }] },
  {
    type: "ceph_bluestore",
    parts: [{ offset: 0x0, hex: "626c756573746f726520626c6f636b20646576696365" }],
  },
  {
    type: "gfs2",
    parts: [
      { offset: 0x10000, hex: "011619700000000100000000000000000000000000000000" },
      { offset: 0x10018, hex: "000007090000076c" },
    ],
  },
  { type: "ocfs2", parts: [{ offset: 0x1000, hex: "4f4346535632" }] },
  {
    type: "linux_raid_member",
    parts: [
      { offset: 0x1000, hex: "fc4e2ba9010000000000000000000000" },
      { offset: 0x1090, hex: "0800000000000000" },
    ],
  },
  {
    type: "linux_raid_member",
    parts: [
      { offset: -0x2000, hex: "fc4e2ba9010000000000000000000000" },
      { offset: -0x1f70, hex: "f0ff010000000000" },
    ],
  },
  {
    type: "linux_raid_member",
    parts: [{ offset: -0x10000, hex: "fc4e2ba9000000005a00000000000000" }],
  },
  {
    type: "crypto_LUKS",
    parts: [
      { offset: 0x400000, hex: "534b554cbabe00020000000000004000" },
      { offset: 0x400100, hex: "0000000000400000" },
    ],
  },
  {
    type: "bcache",
    parts: [
      { offset: 0x1008, hex: "0800000000000000" },
      { offset: 0x1018, hex: "c68573f64e1a45ca8265f57f48ba6d81" },
    ],
  },
  {
    type: "zfs_member",
    parts: [
      { offset: 0x20000, hex: "0cb1ba0000000000" },
      { offset: 0x20400, hex: "0cb1ba0000000000" },
      { offset: 0x20800, hex: "0cb1ba0000000000" },
      { offset: 0x20c00, hex: "0cb1ba0000000000" },
      { offset: 0x21000, hex: "0cb1ba0000000000" },
    ],
  },
  {
    type: "zfs_member",
    parts: [
      { offset: -0x20000, hex: "0cb1ba0000000000" },
      { offset: -0x1fc00, hex: "0cb1ba0000000000" },
      { offset: -0x1f800, hex: "0cb1ba0000000000" },
      { offset: -0x1f400, hex: "0cb1ba0000000000" },
      { offset: -0x1f000, hex: "0cb1ba0000000000" },
    ],
  },
  { type: "LVM1_member", parts: [{ offset: 0x0, hex: "484d0100" }] },
  { type: "oracleasm", parts: [{ offset: 0x20, hex: "4f52434c4449534b" }] },
  { type: "ubi", parts: [{ offset: 0x0, hex: "55424923" }] },
  {
    type: "drbd",
    parts: [
      { offset: -0xfc4, hex: "8374026b" },
      { offset: -0xfc4, hex: "8374026d" },
    ],
  },
  { type: "romfs", parts: [{ offset: 0x0, hex: "2d726f6d3166732d" }] },
  { type: "cramfs", parts: [{ offset: 0x0, hex: "453dcd28" }] },
  { type: "vdo", parts: [{ offset: 0x0, hex: "646d76646f303031" }] },
  {
    type: "dos",
    parts: [
      { offset: 0x1be, hex: "80000000830000000008000000100000" },
      { offset: 0x1fe, hex: "55aa" },
    ],
  },
];
