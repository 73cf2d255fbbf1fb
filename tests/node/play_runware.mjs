// What @runware/sdk-js does in front of a simulated Runware: node play_runware.mjs WS_URL KEY CONTROL_URL ACCOUNT
import assert from "node:assert/strict";
import { Runware } from "@runware/sdk-js";

const [url, apiKey, controlUrl, account] = process.argv.slice(2);

async function control(method, path, body) {
  const reply = await fetch(controlUrl + path, { method, body: JSON.stringify(body) });
  assert.ok(reply.ok, `${method} ${path}: ${reply.status}`);
}

const image = { positivePrompt: "a", model: "runware:100@1", width: 512, height: 512 };
const runware = await Runware.initialize({ apiKey, url, globalMaxRetries: 1 });

const images = await runware.imageInference({ ...image, numberResults: 2, includeCost: true });
assert.equal(images.length, 2);
assert.ok(images.every(({ cost }) => cost === 0.0006));

await control("PATCH", `/accounts/${account}`, { script: ["contentPolicyViolation"] });
await assert.rejects(runware.imageInference(image));
await assert.rejects(runware.imageInference({ ...image, model: "nonsense" }));

const video = { positivePrompt: "a", model: "klingai:5@3", duration: 5, width: 1280, height: 720, includeCost: true };
const [one] = [await runware.videoInference(video)].flat();
assert.ok(one.videoURL);

await control("PATCH", `/accounts/${account}`, { packing: "packed", payload_bytes: 1_500_000 });
const large = await runware.imageInference({ ...image, numberResults: 2, outputType: "base64Data" });
assert.deepEqual(large.map(({ imageBase64Data }) => imageBase64Data.length), [1_500_000, 1_500_000]);

await control("DELETE", "/sockets", { account, abnormal: true });
await new Promise((done) => setTimeout(done, 2000));
await runware.ensureConnection();
assert.equal((await runware.imageInference(image)).length, 1);

await runware.disconnect();
process.exit(0);
