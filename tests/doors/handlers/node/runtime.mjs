// The loop of Lambda's runtime interface, by the standard library alone.

import { Agent, request } from "node:http";

const [hostname, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const root = "/2018-06-01/runtime/invocation";
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

function call(method, path, body) {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { "content-length": Buffer.byteLength(body) };
    const outgoing = request({ agent, hostname, port, method, path, headers }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => resolve({ headers: response.headers, body: Buffer.concat(chunks) }));
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

export async function run(handle) {
  for (;;) {
    const next = await call("GET", `${root}/next`);
    const id = next.headers["lambda-runtime-aws-request-id"];
    let outcome, answer;
    try {
      [outcome, answer] = ["response", await handle(JSON.parse(next.body))];
    } catch (error) {
      [outcome, answer] = ["error", { errorType: error.name, errorMessage: error.message }];
    }
    await call("POST", `${root}/${id}/${outcome}`, JSON.stringify(answer));
  }
}
