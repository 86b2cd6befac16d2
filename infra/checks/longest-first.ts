// The order of test files where several run at a time: the longest first, so that none is left to run alone at the end.
// Vitest knows how long a file took only where it has run before; a fresh clone has nothing but this.
import { BaseSequencer, type TestSpecification } from "vitest/node";

const longest = [
  // Workers and story run two machines each; faults mostly waits.
  "machines/workers",
  "machines/faults",
  "machines/story",
  "machines/openshift",
  "machines/bad-images",
  "kubernetes/feed",
  "kubernetes/machines/release",
  "kubernetes/machines/choice",
  "kubernetes/machines/gates",
  "kubernetes/machines/scale",
  "kubernetes/machines/openshift",
].map((name) => `/test/${name}.test.ts`);

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const rank = ({ moduleId }: TestSpecification) => {
      const at = longest.findIndex((end) => moduleId.endsWith(end));
      return at < 0 ? longest.length : at;
    };
    return sorted.toSorted((left, right) => rank(left) - rank(right));
  }
}
