// The least child: answers each `execute` request with its job's payload.

import process from "node:process";
import { createInterface } from "node:readline";

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  const reply = { jsonrpc: "2.0", id: request.id, result: request.params.job.data };
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
