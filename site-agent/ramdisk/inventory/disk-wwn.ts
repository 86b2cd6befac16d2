// World wide names as udev's scsi_id and NVMe rules give them, from the kernel's `wwid` attribute.

export interface Wwn {
  readonly wwn?: string;
  readonly wwnVendorExtension?: string;
  readonly wwnWithExtension?: string;
}

/**
 * "naa.<16 hex digits>" is a name; with 32 digits (NAA type 6, SPC-5 section 7.7.3.6.5) the second half is the
 * vendor's extension. NVMe names are used as they stand. A "t10." name is made of vendor, model and serial
 * number and says nothing new.
 */
export function wwnOf(wwid: string | undefined): Wwn {
  if (wwid === undefined) return {};
  const naa = /^naa\.([0-9a-f]{16})([0-9a-f]{16})?$/i.exec(wwid);
  if (naa === null) return /^(eui|uuid|nvme)\./.test(wwid) ? { wwn: wwid } : {};
  const [, name = "", extension] = naa;
  if (extension === undefined) return { wwn: `0x${name}`, wwnWithExtension: `0x${name}` };
  return {
    wwn: `0x${name}`,
    wwnVendorExtension: `0x${extension}`,
    wwnWithExtension: `0x${name}${extension}`,
  };
}
