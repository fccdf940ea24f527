// A signed call to an AWS service (Signature Version 4), by the standard library alone.

import { createHash, createHmac } from "node:crypto";
import { Agent, request } from "node:http";

const { AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = process.env;
const SIGNED = "content-type;host;x-amz-date;x-amz-target";

const mac = (key, text) => createHmac("sha256", key).update(text).digest();
const hash = (text) => createHash("sha256").update(text).digest("hex");

export class Client {
  constructor(service, contentType) {
    const endpoint = new URL(process.env[`AWS_ENDPOINT_URL_${service.toUpperCase()}`] ?? process.env.AWS_ENDPOINT_URL);
    [this.host, this.hostname, this.port] = [endpoint.host, endpoint.hostname, endpoint.port];
    this.agent = new Agent({ keepAlive: true, maxSockets: 1 });
    this.service = service;
    this.contentType = contentType;
  }

  call(target, value) {
    const body = JSON.stringify(value);
    const moment = new Date().toISOString().replace(/[-:]|\.\d{3}/g, "");
    const headers = {
      "content-type": this.contentType,
      host: this.host,
      "x-amz-date": moment,
      "x-amz-target": target,
    };
    const listed = Object.entries(headers).map(([name, text]) => `${name}:${text}\n`).join("");
    const day = moment.slice(0, 8);
    const scope = `${day}/${AWS_REGION}/${this.service}/aws4_request`;
    const digest = hash(`POST\n/\n\n${listed}\n${SIGNED}\n${hash(body)}`);
    const signature = mac(this.key(day), `AWS4-HMAC-SHA256\n${moment}\n${scope}\n${digest}`).toString("hex");
    headers.authorization =
      `AWS4-HMAC-SHA256 Credential=${AWS_ACCESS_KEY_ID}/${scope}, SignedHeaders=${SIGNED}, Signature=${signature}`;
    headers["content-length"] = Buffer.byteLength(body);
    const { agent, hostname, port } = this;
    return new Promise((resolve, reject) => {
      const outgoing = request({ agent, hostname, port, method: "POST", path: "/", headers }, (response) => {
        const chunks = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.on("end", () => resolve({ status: response.statusCode, body: Buffer.concat(chunks).toString() }));
      });
      outgoing.on("error", reject);
      outgoing.end(body);
    });
  }

  // The signing key is good for a day.
  key(day) {
    if (this.day !== day) {
      const parts = [day, AWS_REGION, this.service, "aws4_request"];
      this.signingKey = parts.reduce(mac, `AWS4${AWS_SECRET_ACCESS_KEY}`);
      this.day = day;
    }
    return this.signingKey;
  }
}
