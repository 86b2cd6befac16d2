import { expect, test } from "vitest";
import { selectModules } from "./kernel-modules.ts";

const index = `kernel/drivers/nvme/host/nvme.ko: kernel/drivers/nvme/host/nvme-core.ko
kernel/drivers/nvme/host/nvme-core.ko: kernel/block/t10-pi.ko
kernel/block/t10-pi.ko:
kernel/drivers/usb/host/xhci-pci.ko:
kernel/drivers/net/tg3.ko:
`;

test("selectModules takes what a module needs when the index names direct needs only", () => {
  expect(selectModules(index, ["nvme"])).toEqual([
    "kernel/block/t10-pi.ko",
    "kernel/drivers/nvme/host/nvme-core.ko",
    "kernel/drivers/nvme/host/nvme.ko",
  ]);
});

test("selectModules finds a module when its file spells hyphens and the name underscores", () => {
  expect(selectModules(index, ["xhci_pci"])).toEqual(["kernel/drivers/usb/host/xhci-pci.ko"]);
});

test("selectModules throws when the kernel lacks a module", () => {
  expect(() => selectModules(index, ["tg4"])).toThrow('no module "tg4"');
});
