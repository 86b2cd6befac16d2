// A program inside a lab: carries TCP connections from an address of the site to one outside, as a load balancer in
// front of a Kubernetes API would. Arguments: host and port to listen on, host and port to connect to.
import { connect, createServer } from "node:net";

const [fromHost = "", fromPort = "", toHost = "", toPort = ""] = process.argv.slice(2);

createServer((near) => {
  const far = connect({ host: toHost, port: Number(toPort) });
  near.pipe(far);
  far.pipe(near);
  near.on("error", () => far.destroy());
  far.on("error", () => near.destroy());
}).listen(Number(fromPort), fromHost);
