// The life of a host, from `kubectl apply` to a running operating system and back, on a whole fleet of one site:
// an older machine (m1), a newer one (m2) side by side, and one that is not ours to touch (m3). What is asserted
// was seen from outside: by kubectl, the machines' own journal, and tools for disks and packets. Each chapter
// goes on where the one before ended.
import { describe } from "vitest";
import { tellAdoption } from "./story/adoption-chapter.ts";
import { tellArrival } from "./story/arrival-chapter.ts";
import { tellDeployment } from "./story/deployment-chapter.ts";
import { tellReturn } from "./story/return-chapter.ts";
import { tellSecrets } from "./story/secrets-chapter.ts";
import { setStage } from "./story/stage.ts";

setStage();

describe("hosts arrive", tellArrival);
describe("hosts are deployed", tellDeployment);
describe("the control plane loses its whole database", tellAdoption);
describe("hosts are given back, used again, and deleted", tellReturn);
describe("secrets stay secret", tellSecrets);
