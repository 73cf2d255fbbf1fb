// What @runware/sdk-js does in front of a simulated Runware; prints its diary as JSON.
// node play_runware.mjs WS_URL KEY CONTROL_URL ACCOUNT
import { Runware } from "@runware/sdk-js";

const [url, apiKey, controlUrl, account] = process.argv.slice(2);
const image = { positivePrompt: "a", model: "runware:100@1", width: 512, height: 512 };
const video = { positivePrompt: "a", model: "klingai:6@1", duration: 5, width: 1280, height: 720, includeCost: true };
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

async function control(method, path, body) {
  const reply = await fetch(controlUrl + path, { method, body: body && JSON.stringify(body) });
  if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status}`);
  return reply.json();
}

const change = (changes) => control("PATCH", `/accounts/${account}`, changes);

const isOpen = (task) => task.account === account && !task.finishedAt;

async function until(open) {
  while ((await control("GET", "/tasks")).some(isOpen) !== open) await sleep(20);
}

// What an application sees of a call: its results and their cost, or the error.
async function seen(work) {
  try {
    const items = [await work].flat();
    const cost = items.reduce((sum, item) => sum + (item.cost ?? 0), 0);
    return cost ? `${items.length} for $${cost.toFixed(4)}` : `${items.length}`;
  } catch (error) {
    return error?.error?.code ?? error?.code ?? `${error?.message ?? error}`.replace(/[0-9a-f-]{36}.*/, "...");
  }
}

async function fail(runware) {
  await change({ script: ["contentPolicyViolation"] });
  return [await seen(runware.imageInference(image)), await seen(runware.imageInference({ ...image, model: "nonsense" }))];
}

// A result and an error of one task, in one message.
async function mix(runware) {
  await change({ script: [[null, "providerError"]], packing: "packed" });
  return seen(runware.imageInference({ ...image, numberResults: 2, includeCost: true }));
}

// Messages of more than a mebibyte.
async function large(runware) {
  await change({ payload_bytes: 1_500_000 });
  const made = await runware.imageInference({ ...image, numberResults: 2, outputType: "base64Data" });
  await change({ packing: "split" });
  return made.map(({ imageBase64Data }) => imageBase64Data.length);
}

// A second's patience is the least that it has.
async function timeOut() {
  const impatient = await Runware.initialize({ apiKey, url, globalMaxRetries: 1, timeoutDuration: 1000 });
  const told = await seen(impatient.imageInference({ ...image, model: "openai:1@2" }));
  await until(false);
  await sleep(500); // until the result, unawaited, has come
  await impatient.disconnect();
  return told;
}

// The socket breaks off while the SDK waits between two polls.
async function reconnect(runware) {
  const work = seen(runware.videoInference(video));
  await until(true);
  await control("DELETE", "/sockets", { account, abnormal: true });
  return work;
}

const runware = await Runware.initialize({ apiKey, url, globalMaxRetries: 2 });
const diary = {
  complete: await seen(runware.imageInference({ ...image, numberResults: 2, includeCost: true })),
  fail: await fail(runware),
  mix: await mix(runware),
  large: await large(runware),
  "time out": await timeOut(),
  reconnect: await reconnect(runware),
  again: await seen(runware.imageInference(image)),
};
await runware.disconnect();
console.log(JSON.stringify(diary));
process.exit(0);
