// Builds small ISO 9660 images (ECMA-119, 4th edition) with a Joliet tree beside the primary one, for config
// drives. Linux reads exact names from Joliet, and the same names in lower case from the primary tree. No
// Rock Ridge, no multi-extent files, no reading.

const sectorBytes = 2048;
/** ECMA-119 6.2.1: the first 16 sectors belong to the system. */
const systemSectors = 16;
const maxImageBytes = 64 * 1024 * 1024;
/** Primary names keep to ECMA-119 level 2 in length; Linux shows them in lower case. */
const nameForm = /^[a-z0-9_-]{1,20}(\.[a-z0-9_-]{1,8})?$/;

interface FileNode {
  readonly kind: "file";
  readonly name: string;
  readonly bytes: Uint8Array;
  sector: number;
}
interface FolderNode {
  readonly kind: "folder";
  readonly name: string;
  readonly parent: FolderNode | undefined;
  readonly children: (FileNode | FolderNode)[];
}
type Node = FileNode | FolderNode;

/**
 * An image with these files. Paths are relative, with "/" between names of lower-case letters, digits, "_",
 * "-" and one "."; `label` has at most 16 characters (Joliet's limit). The same input gives the same bytes.
 * Throws on other names and above 64 MiB: the caller makes the names and bounds the sizes.
 */
export function buildIso9660(label: string, files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  if (!/^[A-Za-z0-9_-]{1,16}$/.test(label)) throw new RangeError("label is not a volume label");
  const root = buildTree(files);
  const trees = [primaryNaming, jolietNaming].map((naming) => makeTree(naming, root));

  let next = systemSectors + 3;
  const take = (bytes: number): number => {
    const sector = next;
    next += Math.ceil(bytes / sectorBytes);
    return sector;
  };
  for (const tree of trees) {
    tree.littleTable = take(tree.tableBytes);
    tree.bigTable = take(tree.tableBytes);
    for (const folder of tree.folders) {
      tree.sectors.set(folder, take(placeRecords(tree.naming, folder).bytes));
    }
  }
  const contents = listFiles(root);
  for (const file of contents) file.sector = take(file.bytes.length);
  if (next * sectorBytes > maxImageBytes) throw new RangeError("the image is above 64 MiB");

  const image = new Uint8Array(next * sectorBytes);
  const put = (sector: number, bytes: Uint8Array): void => image.set(bytes, sector * sectorBytes);
  trees.forEach((tree, index) => {
    put(systemSectors + index, buildDescriptor(tree, label, next));
    put(tree.littleTable, buildPathTable(tree, true));
    put(tree.bigTable, buildPathTable(tree, false));
    for (const folder of tree.folders) put(sectorOf(tree, folder), buildFolder(tree, folder));
  });
  put(systemSectors + 2, Uint8Array.from([255, ...ascii("CD001"), 1]));
  for (const file of contents) put(file.sector, file.bytes);
  return image;
}

function buildTree(files: ReadonlyMap<string, Uint8Array>): FolderNode {
  const root: FolderNode = { kind: "folder", name: "", parent: undefined, children: [] };
  for (const [path, bytes] of files) {
    const names = path.split("/");
    const last = names.pop() ?? "";
    for (const name of [...names, last]) {
      if (!nameForm.test(name)) throw new RangeError(`${JSON.stringify(name)} is not a file name`);
    }
    let folder = root;
    for (const name of names) folder = childFolder(folder, name);
    if (folder.children.some((child) => child.name === last)) throw new RangeError("doubled name");
    folder.children.push({ kind: "file", name: last, bytes, sector: 0 });
  }
  return root;
}

function childFolder(parent: FolderNode, name: string): FolderNode {
  const child = parent.children.find((candidate) => candidate.name === name);
  if (child?.kind === "file") throw new RangeError("a name is both file and folder");
  if (child !== undefined) return child;
  const made: FolderNode = { kind: "folder", name, parent, children: [] };
  parent.children.push(made);
  return made;
}

function listFiles(folder: FolderNode): FileNode[] {
  return folder.children.flatMap((node) => (node.kind === "file" ? [node] : listFiles(node)));
}

/** ECMA-119 6.9.1: path tables go level by level, by parent, by name. */
function listFolders(root: FolderNode, naming: Naming): FolderNode[] {
  const folders = [root];
  // The loop sees what it appends.
  for (const folder of folders) {
    folders.push(...sortedChildren(folder, naming).filter((node) => node.kind === "folder"));
  }
  return folders;
}

/** ECMA-119 9.3: by name, then by extension. "_" sorts after capitals and before small letters. */
function sortedChildren(folder: FolderNode, naming: Naming): Node[] {
  const key = (node: Node): string => naming.spell(node.name).replace(".", " ");
  return folder.children.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
}

interface Naming {
  readonly joliet: boolean;
  spell(name: string): string;
  /** Identifier bytes of a node below the root. */
  identify(node: Node): Uint8Array;
  /** A text field of the descriptor, padded with spaces. */
  text(value: string, bytes: number): Uint8Array;
}

const primaryNaming: Naming = {
  joliet: false,
  spell: (name) => name.toUpperCase(),
  identify: (node) => {
    const name = primaryNaming.spell(node.name);
    if (node.kind === "folder") return ascii(name);
    // ECMA-119 7.5.1: a file always has the dot and a version.
    return ascii(`${name.includes(".") ? name : `${name}.`};1`);
  },
  text: (value, bytes) => ascii(value.padEnd(bytes)),
};

const jolietNaming: Naming = {
  joliet: true,
  spell: (name) => name,
  identify: (node) => ucs2(node.kind === "folder" ? node.name : `${node.name};1`),
  // Odd fields end with one zero byte.
  text: (value, bytes) =>
    Uint8Array.from([...ucs2(value.padEnd(bytes >> 1)), ...(bytes % 2 === 1 ? [0] : [])]),
};

interface Tree {
  readonly naming: Naming;
  readonly folders: readonly FolderNode[];
  readonly tableBytes: number;
  readonly sectors: Map<FolderNode, number>;
  littleTable: number;
  bigTable: number;
}

function makeTree(naming: Naming, root: FolderNode): Tree {
  const folders = listFolders(root, naming);
  const tableBytes = folders
    .map((folder) => pathRecordBytes(idOf(naming, folder)))
    .reduce((sum, bytes) => sum + bytes, 0);
  return { naming, folders, tableBytes, sectors: new Map(), littleTable: 0, bigTable: 0 };
}

function sectorOf(tree: Tree, node: Node): number {
  return node.kind === "file" ? node.sector : (tree.sectors.get(node) ?? 0);
}

function idOf(naming: Naming, node: Node): Uint8Array {
  return node.kind === "folder" && node.parent === undefined
    ? Uint8Array.of(0)
    : naming.identify(node);
}

function even(length: number): number {
  return length + (length % 2);
}

/** A folder's records: itself as 0, its parent as 1 (ECMA-119 6.8.2.2), its children. */
function recordsOf(naming: Naming, folder: FolderNode): { node: Node; id: Uint8Array }[] {
  return [
    { node: folder, id: Uint8Array.of(0) },
    { node: folder.parent ?? folder, id: Uint8Array.of(1) },
    ...sortedChildren(folder, naming).map((node) => ({ node, id: naming.identify(node) })),
  ];
}

/** Where a folder's records begin, and its length: no record crosses a sector's end (6.8.1.1). */
function placeRecords(naming: Naming, folder: FolderNode): { starts: number[]; bytes: number } {
  const starts: number[] = [];
  let end = 0;
  for (const { id } of recordsOf(naming, folder)) {
    const length = even(33 + id.length);
    const left = sectorBytes - (end % sectorBytes);
    if (length > left) end += left;
    starts.push(end);
    end += length;
  }
  return { starts, bytes: Math.ceil(end / sectorBytes) * sectorBytes };
}

function buildFolder(tree: Tree, folder: FolderNode): Uint8Array {
  const { starts, bytes } = placeRecords(tree.naming, folder);
  const extent = new Uint8Array(bytes);
  recordsOf(tree.naming, folder).forEach(({ node, id }, index) => {
    extent.set(buildRecord(tree, node, id), starts[index]);
  });
  return extent;
}

/** ECMA-119 9.1. */
function buildRecord(tree: Tree, node: Node, id: Uint8Array): Uint8Array {
  const record = new Uint8Array(even(33 + id.length));
  record[0] = record.length;
  setBoth32(record, 2, sectorOf(tree, node));
  setBoth32(
    record,
    10,
    node.kind === "file" ? node.bytes.length : placeRecords(tree.naming, node).bytes,
  );
  // 2000-01-01: years since 1900, month, day. Fixed, so that equal files give equal images.
  record.set([100, 1, 1], 18);
  record[25] = node.kind === "folder" ? 2 : 0;
  setBoth16(record, 28, 1);
  record[32] = id.length;
  record.set(id, 33);
  return record;
}

function pathRecordBytes(id: Uint8Array): number {
  return even(8 + id.length);
}

/** ECMA-119 9.4. One table in little-endian, one in big-endian numbers. */
function buildPathTable(tree: Tree, little: boolean): Uint8Array {
  const table = new Uint8Array(tree.tableBytes);
  const view = new DataView(table.buffer);
  let at = 0;
  for (const folder of tree.folders) {
    const id = idOf(tree.naming, folder);
    table[at] = id.length;
    view.setUint32(at + 2, sectorOf(tree, folder), little);
    view.setUint16(at + 6, tree.folders.indexOf(folder.parent ?? folder) + 1, little);
    table.set(id, at + 8);
    at += pathRecordBytes(id);
  }
  return table;
}

/** A primary (ECMA-119 8.4) or supplementary (8.5, Joliet) volume descriptor. */
function buildDescriptor(tree: Tree, label: string, imageSectors: number): Uint8Array {
  const { naming } = tree;
  const sector = new Uint8Array(sectorBytes);
  const view = new DataView(sector.buffer);
  sector.set([naming.joliet ? 2 : 1, ...ascii("CD001"), 1]);
  sector.set(naming.text("", 32), 8);
  sector.set(naming.text(label, 32), 40);
  setBoth32(sector, 80, imageSectors);
  // UCS-2 level 3: what makes a supplementary descriptor Joliet.
  if (naming.joliet) sector.set(ascii("%/E"), 88);
  setBoth16(sector, 120, 1);
  setBoth16(sector, 124, 1);
  setBoth16(sector, 128, sectorBytes);
  setBoth32(sector, 132, tree.tableBytes);
  view.setUint32(140, tree.littleTable, true);
  view.setUint32(148, tree.bigTable, false);
  const [root] = tree.folders;
  if (root !== undefined) sector.set(buildRecord(tree, root, Uint8Array.of(0)), 156);
  // Volume set, publisher, preparer, application; copyright, abstract, bibliographic file.
  for (const at of [190, 318, 446, 574]) sector.set(naming.text("", 128), at);
  for (const at of [702, 739, 776]) sector.set(naming.text("", 37), at);
  // Created, modified, expires, effective: sixteen "0" are "not specified" (8.4.26.1).
  for (const at of [813, 830, 847, 864]) sector.set(ascii("0".repeat(16)), at);
  sector[881] = 1;
  return sector;
}

/** ECMA-119 7.2.3 and 7.3.3: little-endian, then big-endian. */
function setBoth16(bytes: Uint8Array, at: number, value: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  view.setUint16(at, value, true);
  view.setUint16(at + 2, value, false);
}

function setBoth32(bytes: Uint8Array, at: number, value: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  view.setUint32(at, value, true);
  view.setUint32(at + 4, value, false);
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Big-endian, as Joliet wants it. */
function ucs2(text: string): Uint8Array {
  const bytes = new Uint8Array(2 * text.length);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < text.length; at += 1) view.setUint16(2 * at, text.charCodeAt(at));
  return bytes;
}
