// Proves that zigbee-herdsman's `ember` adapter, an EZSP host written independently of bellows,
// forms a network on the simulated dongle, interviews its devices and receives their reports.
//
//   node prove.mjs tcp://ADDRESS:PORT [DEVICE_COUNT]
//
// Its devices must be searching for a network (fresh state, or `press`). Prints one JSON line and
// exits 0; or exits 1 with one sentence.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Controller, setLogger } from "zigbee-herdsman";

const TIMEOUT_MS = 60_000;
const OPEN_SECONDS = 60;
const REPORTS = 3; // of each device
const METERING = "seMetering";
const NETWORK = {
  panID: 0x1a62,
  extendedPanID: [0xdd, 0xdd, 0xdd, 0xdd, 0xdd, 0xdd, 0xdd, 0xdd],
  channelList: [11],
  networkKey: [1, 3, 5, 7, 9, 11, 13, 15, 0, 2, 4, 6, 8, 10, 12, 13],
};

const [path, expected = "2"] = process.argv.slice(2);
if (!path) {
  console.error("error: give the dongle's address, as tcp://ADDRESS:PORT.");
  process.exit(1);
}

const quiet = () => {};
const loud = (message) => console.error(typeof message === "function" ? message() : message);
setLogger({ debug: quiet, info: quiet, warning: loud, error: loud });

const folder = mkdtempSync(join(tmpdir(), "herdsman-"));
const controller = new Controller({
  network: NETWORK,
  transport: { path, adapter: "ember" },
  databasePath: join(folder, "database"),
  databaseBackupPath: join(folder, "database.backup"),
  backupPath: join(folder, "backup.json"),
  adapter: {},
  acceptJoiningDeviceHandler: async () => true,
});
const found = {};

async function end(problem) {
  await controller.stop().catch(quiet);
  rmSync(folder, { recursive: true, force: true });
  if (problem) console.error(`error: ${problem}`);
  else console.log(JSON.stringify(found));
  process.exit(problem ? 1 : 0);
}

async function follow(device) {
  const coordinator = controller.getDevicesByType("Coordinator")[0].getEndpoint(1);
  const endpoint = device.endpoints.find((candidate) => candidate.supportsInputCluster(METERING));
  const scale = await endpoint.read(METERING, ["multiplier", "divisor"]);
  await endpoint.bind(METERING, coordinator);
  await endpoint.configureReporting(METERING, [
    {
      attribute: "currentSummDelivered",
      minimumReportInterval: 1,
      maximumReportInterval: 2,
      reportableChange: 1,
    },
  ]);
  found[device.modelID] = { manufacturer: device.manufacturerName, ...scale, reports: [] };
}

controller.on("deviceInterview", ({ status, device }) => {
  if (status === "failed") end(`the interview of ${device.ieeeAddr} failed.`);
  if (status === "successful") follow(device).catch((error) => end(`${error.message}.`));
});
controller.on("message", ({ type, cluster, data, device }) => {
  const reports = found[device.modelID]?.reports;
  if (type !== "attributeReport" || cluster !== METERING || !reports) return;
  reports.push(data.currentSummDelivered);
  const all = Object.values(found);
  if (all.length >= Number(expected) && all.every((one) => one.reports.length >= REPORTS)) end();
});

setTimeout(() => end(`after ${TIMEOUT_MS / 1000} s only ${JSON.stringify(found)}.`), TIMEOUT_MS);
try {
  await controller.start();
  await controller.permitJoin(OPEN_SECONDS);
} catch (error) {
  await end(`${error.message}.`);
}
