// Processor architectures of option 93: RFC 4578 section 2.1 with the IANA registry "Processor
// Architecture Types". A client that boots by HTTP names a code of its own for the same machine.

export interface ClientArch {
  readonly name: string;
  readonly firmware: "bios" | "uefi" | "other";
  readonly cpu: string;
  readonly transport: "tftp" | "http";
}

const tftp = "tftp";
const http = "http";

export const archTable: ReadonlyMap<number, ClientArch> = new Map([
  [0, { name: "x86 BIOS", firmware: "bios", cpu: "x86", transport: tftp }],
  [1, { name: "NEC PC98", firmware: "other", cpu: "x86", transport: tftp }],
  [2, { name: "Itanium", firmware: "other", cpu: "ia64", transport: tftp }],
  [6, { name: "x86 UEFI", firmware: "uefi", cpu: "x86", transport: tftp }],
  [7, { name: "x64 UEFI", firmware: "uefi", cpu: "x64", transport: tftp }],
  // "EFI byte code" in the registry, x64 in RFC 4578 as printed and in much firmware.
  [9, { name: "x64 UEFI", firmware: "uefi", cpu: "x64", transport: tftp }],
  [10, { name: "arm32 UEFI", firmware: "uefi", cpu: "arm32", transport: tftp }],
  [11, { name: "arm64 UEFI", firmware: "uefi", cpu: "arm64", transport: tftp }],
  [12, { name: "PowerPC Open Firmware", firmware: "other", cpu: "ppc", transport: tftp }],
  [13, { name: "PowerPC ePAPR", firmware: "other", cpu: "ppc", transport: tftp }],
  [14, { name: "PowerPC OPAL", firmware: "other", cpu: "ppc64", transport: tftp }],
  [15, { name: "x86 UEFI HTTP", firmware: "uefi", cpu: "x86", transport: http }],
  [16, { name: "x64 UEFI HTTP", firmware: "uefi", cpu: "x64", transport: http }],
  [17, { name: "x64 UEFI HTTP", firmware: "uefi", cpu: "x64", transport: http }],
  [18, { name: "arm32 UEFI HTTP", firmware: "uefi", cpu: "arm32", transport: http }],
  [19, { name: "arm64 UEFI HTTP", firmware: "uefi", cpu: "arm64", transport: http }],
  [20, { name: "x86 BIOS HTTP", firmware: "bios", cpu: "x86", transport: http }],
  [21, { name: "arm32 U-Boot", firmware: "other", cpu: "arm32", transport: tftp }],
  [22, { name: "arm64 U-Boot", firmware: "other", cpu: "arm64", transport: tftp }],
  [23, { name: "arm32 U-Boot HTTP", firmware: "other", cpu: "arm32", transport: http }],
  [24, { name: "arm64 U-Boot HTTP", firmware: "other", cpu: "arm64", transport: http }],
  [25, { name: "riscv32 UEFI", firmware: "uefi", cpu: "riscv32", transport: tftp }],
  [26, { name: "riscv32 UEFI HTTP", firmware: "uefi", cpu: "riscv32", transport: http }],
  [27, { name: "riscv64 UEFI", firmware: "uefi", cpu: "riscv64", transport: tftp }],
  [28, { name: "riscv64 UEFI HTTP", firmware: "uefi", cpu: "riscv64", transport: http }],
  [31, { name: "s390", firmware: "other", cpu: "s390", transport: tftp }],
  [32, { name: "s390 extended", firmware: "other", cpu: "s390", transport: tftp }],
  [37, { name: "loongarch32 UEFI", firmware: "uefi", cpu: "loongarch32", transport: tftp }],
  [38, { name: "loongarch32 UEFI HTTP", firmware: "uefi", cpu: "loongarch32", transport: http }],
  [39, { name: "loongarch64 UEFI", firmware: "uefi", cpu: "loongarch64", transport: tftp }],
  [40, { name: "loongarch64 UEFI HTTP", firmware: "uefi", cpu: "loongarch64", transport: http }],
  [41, { name: "Raspberry Pi ROM", firmware: "other", cpu: "arm64", transport: tftp }],
] satisfies [number, ClientArch][]);
