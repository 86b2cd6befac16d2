// What `kubectl explain` says about the fields of each kind. Lists and maps are passed through without a mark:
// "status.conditions.type" is a field of the items.
import { capm3Descriptions } from "./capm3-descriptions.table.ts";

export const descriptions: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  BareMetalHost: {
    "": "A machine with a management controller (BMC), and what should become of it.",
    spec: "What the host should be.",
    "spec.online":
      "Whether the power should be on. Provisioning starts only while it is true; false never deprovisions.",
    "spec.bmc": "How the machine is managed. Without it the host is unmanaged.",
    "spec.bmc.address":
      "ipmi://HOST[:PORT], redfish://HOST/redfish/v1/Systems/ID and their relatives; a bare host means IPMI. Can change while the host registers or is detached.",
    "spec.bmc.credentialsName":
      "A Secret of the same namespace with the keys username and password.",
    "spec.bmc.disableCertificateVerification": "Accept any TLS certificate of the BMC.",
    "spec.bootMACAddress": "The NIC that boots from the network. Cannot be changed once it is set.",
    "spec.bootMode": "How the machine boots; UEFI by default. Counts at the next provisioning.",
    "spec.image": "What to write to the root disk. Removing it erases the machine.",
    "spec.image.url": "Where the site fetches the image. Another URL deprovisions and writes anew.",
    "spec.image.checksum": "The digest of the image in hex, or the URL of a checksum file.",
    "spec.image.checksumType": "The kind of the checksum; empty or auto: by its length.",
    "spec.image.format": "The format of the image; empty: found out from its first bytes.",
    "spec.image.ociAuthSecretName": "A Secret with registry credentials, for oci:// images.",
    "spec.userData":
      "A Secret with the key userData (or value), given to the system by config drive.",
    "spec.networkData":
      "A Secret with the key networkData (or value), given to the system by config drive.",
    "spec.metaData":
      "A Secret with the key metaData (or value), merged over the metadata of the config drive.",
    "spec.preprovisioningNetworkDataName":
      "A Secret with network data for the ramdisk; also used for networkData where that is not set.",
    "spec.rootDeviceHints":
      "Which disk the image goes to; all hints must fit, and must fit one disk only.",
    "spec.rootDeviceHints.deviceName": "/dev/NAME or /dev/disk/by-path/NAME.",
    "spec.rootDeviceHints.hctl": "SCSI address, four numbers with colons.",
    "spec.rootDeviceHints.model": "A part of the model's name.",
    "spec.rootDeviceHints.vendor": "A part of the vendor's name.",
    "spec.rootDeviceHints.serialNumber": "The whole serial number.",
    "spec.rootDeviceHints.minSizeGigabytes": "The least size in GiB.",
    "spec.rootDeviceHints.wwn": "The whole WWN.",
    "spec.rootDeviceHints.wwnWithExtension": "The whole WWN with the vendor's extension.",
    "spec.rootDeviceHints.wwnVendorExtension": "The vendor's extension of the WWN.",
    "spec.rootDeviceHints.rotational": "Whether the disk spins.",
    "spec.automatedCleaningMode":
      "metadata: erase signatures and partition tables of all disks before the host is first offered and when it is given back. disabled: erase nothing.",
    "spec.externallyProvisioned":
      "The disks are somebody else's: only the power is managed. Can be set at creation or in state available.",
    "spec.inspectionMode":
      "agent: read the hardware with the ramdisk. fast: ask the BMC. disabled: do not inspect.",
    "spec.disablePowerOff": "Never switch the machine off; a reboot is a reset.",
    "spec.architecture": "The CPU architecture; filled in after inspection.",
    "spec.consumerRef": "Who uses the host. A mark only.",
    "spec.customDeploy": "A deploy method of one's own instead of an image.",
    "spec.customDeploy.method": "The name of the method.",
    "spec.description": "For people.",
    "spec.firmware": "No longer supported: use a HostFirmwareSettings object.",
    "spec.hardwareProfile": "Deprecated: rootDeviceHints say more.",
    "spec.raid": "RAID volumes to set up before the host is offered.",
    "spec.raid.hardwareRAIDVolumes":
      "Volumes of RAID controllers. Absent: leave them; empty: delete them.",
    "spec.raid.softwareRAIDVolumes": "Volumes of the operating system, two at most.",
    "spec.networkInterfaces": "What the switch ports of the host's NICs should be.",
    "spec.taints": "Deprecated and without effect.",
    status: "What the host is.",
    "status.operationalStatus": "Whether the host is well.",
    "status.errorType": "At which work the host has failed.",
    "status.errorMessage": "What is wrong, and the next step.",
    "status.errorCount": "Failures in a row; 0 after a success.",
    "status.provisioning": "Where the host is in its life, and what is on it.",
    "status.provisioning.state": "The state of the host.",
    "status.provisioning.ID": "Identity of the machine at the operator; empty before registration.",
    "status.provisioning.image": "The image that was written, as it was written.",
    "status.provisioning.bootMode": "The boot mode in effect.",
    "status.provisioning.rootDeviceHints": "The hints in effect.",
    "status.provisioningFailCount": "Failed writes of this image; after five a person has to look.",
    "status.lastAttemptedImage": "The image that was tried last.",
    "status.poweredOn": "The power as it was read last.",
    "status.hardware": "What inspection found; also in the HardwareData object of the same name.",
    "status.hardwareProfile": "The hardware profile that was settled at registration.",
    "status.goodCredentials": "The version of the Secret that logged in last.",
    "status.triedCredentials": "The version of the Secret that was tried last.",
    "status.operationHistory": "When the last work of each kind began and ended.",
    "status.conditions":
      "Ready, Manageable, AvailableForProvisioning, Provisioned, Progressing, and farrier.dev/Operation: what runs or is waited for, with progress.",
    "status.lastUpdated": "When anything else in the status changed.",
  },
  HardwareData: {
    "": "What inspection found out about the host of the same name.",
    spec: "What was found.",
    "spec.hardware": "CPU, memory, NICs, disks and firmware of the machine.",
  },
  ...capm3Descriptions,
};
