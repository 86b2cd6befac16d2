// The programs that the ramdisk carries besides Node and busybox, and the Debian packages that
// bring them. Each is there because the agent's ramdisk program calls it; busybox has no equal.

export interface RamdiskTool {
  readonly debianPackage: string;
  readonly programs: readonly string[];
}

export const ramdiskTools: readonly RamdiskTool[] = [
  {
    debianPackage: "util-linux",
    programs: ["/usr/sbin/blkdiscard", "/usr/sbin/wipefs", "/usr/sbin/blockdev", "/usr/bin/lsblk"],
  },
  { debianPackage: "fdisk", programs: ["/usr/sbin/sfdisk"] },
  { debianPackage: "nvme-cli", programs: ["/usr/sbin/nvme"] },
  { debianPackage: "hdparm", programs: ["/usr/sbin/hdparm"] },
  {
    debianPackage: "sg3-utils",
    programs: [
      "/usr/bin/sg_format",
      "/usr/bin/sg_inq",
      "/usr/bin/sg_opcodes",
      "/usr/bin/sg_readcap",
      "/usr/bin/sg_requests",
      "/usr/bin/sg_sanitize",
      "/usr/bin/sg_vpd",
    ],
  },
  { debianPackage: "efibootmgr", programs: ["/usr/bin/efibootmgr"] },
];
