import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkKernelParameters, renderIpxeScript } from "./ipxe-script.ts";

const urls = { kernelUrl: "http://10.7.0.1:8080/k", initrdUrls: ["http://10.7.0.1:8080/i"] };

describe("renderIpxeScript", () => {
  it("loads kernel and initrds with their names and parameters, and tries again", () => {
    const script = renderIpxeScript({
      kernelUrl: "http://10.7.0.1:8080/boot/x/kernel",
      initrdUrls: ["http://10.7.0.1:8080/boot/x/initrd-0", "http://10.7.0.1:8080/boot/x/initrd-1"],
      kernelParameters: [
        { name: "console", value: "ttyS0,115200n8" },
        { name: "farrier.agent", value: "https://10.7.0.1:8443" },
      ],
    });
    expect(script).toBe(`#!ipxe
set try:int32 0
:start
imgfree
kernel --name kernel http://10.7.0.1:8080/boot/x/kernel initrd=initrd-0 initrd=initrd-1 console=ttyS0,115200n8 farrier.agent=https://10.7.0.1:8443 || goto failed
initrd --name initrd-0 http://10.7.0.1:8080/boot/x/initrd-0 || goto failed
initrd --name initrd-1 http://10.7.0.1:8080/boot/x/initrd-1 || goto failed
boot || goto failed
:failed
inc try
iseq \${try} 20 && goto give_up ||
echo Farrier: cannot load the ramdisk, try \${try} of 20 failed
sleep 5
goto start
:give_up
echo Farrier: gave up, leaving network boot
exit 1
`);
  });

  it("writes nothing but what the grammar allows, whatever a parameter holds", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (name, value) => {
        const kernelParameters = [{ name, value }];
        if (!checkKernelParameters(kernelParameters).ok) return;
        const lines = renderIpxeScript({ ...urls, kernelParameters }).split("\n");
        const plain = renderIpxeScript({ ...urls, kernelParameters: [] }).split("\n");
        const extra = lines.filter((line) => !plain.includes(line));
        expect(lines.length).toBe(plain.length);
        expect(extra).toHaveLength(1);
        expect(extra[0]).toMatch(/^kernel --name kernel [\w.:/@,= -]+ \|\| goto failed$/);
      }),
    );
  });
});

describe("checkKernelParameters", () => {
  it.each([
    ["a b", "x"],
    ["", "x"],
    ["-a", "x"],
    ["a=b", "x"],
    ["a", ""],
    ["a", "x y"],
    ["a", "${net0/mac}"],
    ["a", "x||reboot"],
    ["a", "x\nreboot"],
    ["a", "x;y"],
    ["a", '"x"'],
    ["a", "x\\y"],
    ["a", "x#y"],
    ["a", "é"],
  ])("refuses %j=%j", (name, value) => {
    const checked = checkKernelParameters([{ name, value }]);
    expect(checked.ok ? "accepted" : checked.error.kind).toBe("kernel-parameters");
  });

  it("says nothing of the value, which may be a token", () => {
    const checked = checkKernelParameters([{ name: "token", value: "s3cret!" }]);
    expect(checked.ok ? "" : checked.error.message).not.toContain("s3cret");
  });

  it("refuses more than the kernel takes", () => {
    const value = "x".repeat(1000);
    const parameters = [
      { name: "a", value },
      { name: "b", value },
    ];
    expect(checkKernelParameters(parameters.slice(1)).ok).toBe(true);
    expect(checkKernelParameters(parameters).ok).toBe(false);
  });
});
