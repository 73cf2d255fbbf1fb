// The play of tests/end_to_end/plays.py with the Node SDK: node play.mjs BASE_URL KEY CONTROL_URL ACCOUNT
import assert from "node:assert/strict";
import RunwayML, { TaskFailedError } from "@runwayml/sdk";

const [baseURL, apiKey, controlUrl, account] = process.argv.slice(2);
const sdk = new RunwayML({ apiKey, baseURL });
const uri = "https://example.com/x.png";
const act = { type: "video", uri: "https://example.com/x.mp4" };

async function control(method, path, body) {
  const reply = await fetch(controlUrl + path, { method, body: JSON.stringify(body) });
  assert.ok(reply.ok, `${method} ${path}: ${reply.status}`);
}
async function settle(...tasks) {
  for (const { id } of tasks) {
    while (!["SUCCEEDED", "FAILED", "CANCELLED"].includes((await sdk.tasks.retrieve(id)).status)) {
      await new Promise((done) => setTimeout(done, 300));
    }
  }
}
const image = { model: "gen4_image", promptText: "a", ratio: "1280:720" };
const video = { model: "gen4.5", promptText: "a", ratio: "1280:720", duration: 5 };

await sdk.textToImage.create(image).waitForTaskOutput();

const burst = [];
for (let i = 0; i < 4; i++) {
  burst.push(await sdk.imageToVideo.create({ model: "gen4_turbo", promptImage: uri, ratio: "1280:720", duration: 5 }));
}
await settle(...burst);

await control("PATCH", `/accounts/${account}`, { script: ["SAFETY.OUTPUT.VIDEO", "INTERNAL.BAD_OUTPUT.CODE01"] });
await assert.rejects(sdk.textToVideo.create(video).waitForTaskOutput(), TaskFailedError);
await settle(await sdk.textToVideo.create(video));

const unwanted = await sdk.textToVideo.create({ ...video, model: "veo3.1_fast", duration: 4 });
await sdk.tasks.delete(unwanted.id);
await assert.rejects(sdk.tasks.delete(unwanted.id), RunwayML.NotFoundError);

await settle(await sdk.characterPerformance.create({ model: "act_two", character: act, reference: act }));
await assert.rejects(
  sdk.characterPerformance.create({ model: "act_two", character: act, reference: act }),
  RunwayML.RateLimitError,
);
await assert.rejects(sdk.textToVideo.create({ ...video, model: "gen3a_turbo" }), RunwayML.BadRequestError);

await control("POST", "/faults", { fault: "status", status: 503, path: "/v1/voice_isolation", count: 2 });
await settle(
  await sdk.voiceIsolation.create({ model: "eleven_voice_isolation", audioUri: "https://example.com/x.mp3" }),
);

await control("PATCH", `/accounts/${account}`, { credits: 0 });
await assert.rejects(sdk.textToImage.create(image), RunwayML.BadRequestError);
