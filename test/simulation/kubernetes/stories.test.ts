// The simulated API server tells the stories as a real one told them; what that one said is in test/kubernetes/facts.
import { describe, expect, it } from "vitest";
import { stories } from "../../kubernetes/api-stories.table.ts";
import { factsFile, newNamespace, Story } from "../../kubernetes/api-story.ts";
import { makeTestCluster } from "./test-cluster.ts";

describe("the simulated API server answers as a real one about", () => {
  it.each(Object.entries(stories))("%s", async (name, tell) => {
    const { kernel, person, cluster } = makeTestCluster();
    const story = new Story({ api: person, sleep: (ms) => kernel.sleep(ms) });
    await kernel.until(person.request(newNamespace));
    // A real server has long forgotten its first changes.
    cluster.narrowWindow(0);
    cluster.widenWindow();
    await kernel.until(tell(story));
    await expect(story.text).toMatchFileSnapshot(factsFile(name));
  });
});
