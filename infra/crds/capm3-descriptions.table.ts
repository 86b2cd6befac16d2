// What `kubectl explain` says about the cluster-api provider kinds; those of the templates are made from the others.

const clusterSpec: Readonly<Record<string, string>> = {
  spec: "What the cluster should be.",
  "spec.cloudProviderEnabled":
    "true: a cloud provider sets the provider IDs of the Nodes. false (the default): they are set for it.",
  "spec.controlPlaneEndpoint": "Where the API of the cluster is reached.",
  "spec.controlPlaneEndpoint.host": "A name or an address. Required.",
  "spec.controlPlaneEndpoint.port": "6443 where it is not given.",
  "spec.failureDomains": "Where machines can be put apart from each other.",
  "spec.failureDomains.name": "The value that hosts carry in their label.",
  "spec.failureDomains.controlPlane": "Whether control-plane machines may be put there.",
};

const machineSpec: Readonly<Record<string, string>> = {
  spec: "What the machine wants of its host.",
  "spec.providerID": "Set when a host was found: metal3://NAMESPACE/HOST/NAME.",
  "spec.image": "What is written to the host. This or customDeploy is required.",
  "spec.image.url": "Where the site fetches the image.",
  "spec.image.checksum":
    "The digest of the image in hex, or the URL of a checksum file. Not for oci:// images.",
  "spec.image.checksumType": "The kind of the checksum.",
  "spec.image.diskFormat": "The format of the image; without it, found out from its first bytes.",
  "spec.customDeploy": "A deploy method of one's own instead of an image.",
  "spec.customDeploy.method": "The name of the method.",
  "spec.userData":
    "A Secret of the same namespace; the bootstrap data of the Machine wins over it.",
  "spec.metaData": "A Secret of the same namespace.",
  "spec.networkData": "A Secret of the same namespace.",
  "spec.dataTemplate":
    "A Metal3DataTemplate of the same namespace that metaData and networkData are made from.",
  "spec.hostSelector": "Which hosts fit; without it all of the namespace.",
  "spec.hostSelector.matchLabels": "Labels that the host must have.",
  "spec.hostSelector.matchExpressions": "What must be true of the labels of the host.",
  "spec.automatedCleaningMode": "What the host's own field of this name is set to.",
  "spec.failureDomain": "Where the host should be, if one is free there.",
};

const status: Readonly<Record<string, string>> = {
  "status.conditions": "What is true, and what is waited for.",
  "status.initialization": "What cluster-api waits for at the beginning.",
  "status.initialization.provisioned": "Whether it is there.",
  "status.deprecated": "What v1beta1 had in other places.",
  "status.lastUpdated": "When anything else in the status changed.",
};

function inTemplate(spec: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(spec).map(([path, text]) => [path.replace(/^spec/, "spec.template.spec"), text]),
  );
}

const template = {
  spec: "What is made from the template.",
  "spec.template": "The form.",
  "spec.template.metadata": "Labels and annotations that what is made from it gets.",
};

export const capm3Descriptions: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Metal3Cluster: {
    "": "A cluster of bare-metal machines: the infrastructure of a Cluster.",
    ...clusterSpec,
    status: "What the cluster is.",
    ...status,
    "status.failureDomains": "Those of the spec, for cluster-api.",
  },
  Metal3ClusterTemplate: {
    "": "What Metal3Clusters are made from. Host and port are required.",
    ...template,
    ...inTemplate(clusterSpec),
  },
  Metal3Machine: {
    "": "The claim of a Machine on a host.",
    ...machineSpec,
    status: "What became of the claim.",
    ...status,
    "status.addresses": "Addresses and names that inspection found.",
    "status.userData": "The Secret that the host got.",
    "status.metaData": "The Secret that the host got.",
    "status.networkData": "The Secret that the host got.",
    "status.renderedData": "The Metal3Data that was made from dataTemplate.",
  },
  Metal3MachineTemplate: {
    "": "What a MachineSet makes Metal3Machines from.",
    ...template,
    "spec.nodeReuse": "Whether a replaced machine should get the host of before.",
    ...inTemplate(machineSpec),
  },
};
