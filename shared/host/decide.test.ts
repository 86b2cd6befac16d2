// The plain life of a host, decision by decision, against a Kubernetes and a site in memory. The names in
// brackets are rows of upstream's behaviour checklist.
import { expect, test } from "vitest";
import { image, makeHost, makeHostWorld } from "../../test/support/host-world.ts";

test("decide takes a host from nothing to provisioned and back when all goes well [B24 B41 B42 B48]", () => {
  const world = makeHostWorld(makeHost({ image }));
  world.reach("provisioned");
  expect(world.states).toEqual([
    "registering",
    "inspecting",
    "preparing",
    "available",
    "provisioning",
    "provisioned",
  ]);
  const { status } = world.host;
  expect(status?.provisioning.image).toEqual(image);
  expect(status?.operationHistory?.provision).toEqual({
    start: "2026-11-01T12:00:00Z",
    end: "2026-11-01T12:00:00Z",
  });
  expect(world.events()).toEqual([
    "Registered",
    "BMCAccessValidated",
    "ProfileSet",
    "InspectionStarted",
    "InspectionComplete",
    "ProvisioningStarted",
    "ProvisioningComplete",
  ]);

  const { image: _, ...spec } = world.host.spec;
  world.seen.host = { ...world.host, spec };
  world.reach("available");
  expect(world.states.slice(6)).toEqual(["deprovisioning", "available"]);
  expect(world.host.status?.provisioning.image).toEqual({ url: "" });
});
