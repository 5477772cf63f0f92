// A child that does what its job's payload says, by the protocol or against it. Same as `script.py`.
//
// `params.job.data.script` is a list of steps: a name, which is that of a function below, and its
// arguments. In arguments, {"$": NAME} stands for a value that only the child knows.
// Nothing that it starts or waits for lasts longer than PATIENCE_S.

import { spawn } from "node:child_process";
import { closeSync, existsSync, readSync, renameSync, writeFileSync, writeSync } from "node:fs";
import { constants } from "node:os";
import process from "node:process";

const PATIENCE_S = 120;
const NEWLINE = 10;
const buffer = Buffer.alloc(65536);

let unread = [];
let line = "";
let request = null;
let messages = [];

const steps = {
  // Write the parts to stdout, all at once.
  write(...parts) {
    writeAll(1, Buffer.concat(parts.map(encoded)));
  },

  // Read messages until there is an answer for each of the ids.
  receive(...ids) {
    const missing = filled(ids);
    while (missing.length > 0) {
      const message = read();
      messages.push(message);
      const place = "method" in message ? -1 : missing.indexOf(message.id);
      if (place >= 0) missing.splice(place, 1);
    }
  },

  // Write text to stderr, so many times.
  complain(text, times) {
    const bytes = Buffer.from(text);
    for (let done = 0; done < times; done += 1) writeAll(2, bytes);
  },

  // Write a file for the test, as a whole or not at all.
  note(path, value) {
    writeFileSync(`${path}.draft`, JSON.stringify(filled(value)));
    renameSync(`${path}.draft`, path);
  },

  // Wait for a file of the test.
  async until(path) {
    const end = Date.now() + PATIENCE_S * 1000;
    while (!existsSync(path)) {
      if (Date.now() > end) process.exit(70);
      await rest(5);
    }
  },

  // Neither read nor write any more.
  async hang() {
    await rest(PATIENCE_S * 1000);
    process.exit(70);
  },

  // End, at once.
  exit(code) {
    process.exit(code);
  },

  // End by a signal.
  async die(name) {
    process.kill(process.pid, name);
    await rest(PATIENCE_S * 1000);
  },

  // Answer TERM with these steps, and not by ending.
  when_told_to_end(...answer) {
    process.on("SIGTERM", () => act(answer));
  },

  // Start a process that inherits our pipes; note its pid.
  spawn(path) {
    const child = spawn("sleep", [String(PATIENCE_S)], { stdio: "inherit" });
    steps.note(path, child.pid);
  },

  // Close a descriptor of ours.
  close(descriptor) {
    closeSync(descriptor);
  },
};

// What {"$": NAME} may stand for.
const known = {
  id: () => request.id,
  line: () => line,
  payload: () => request.params.job.data.payload ?? null,
  context: () => request.params.context,
  variables: () => Object.keys(process.env).sort(),
  pid: () => process.pid,
  messages: () => messages,
  json: (asked) => JSON.stringify(filled(asked.of)),
  text: (asked) => asked.of.repeat(asked.times),
};

async function act(script) {
  for (const [name, ...args] of script) await steps[name](...args);
}

// The next message; the end of the input is our end.
function read() {
  for (;;) {
    const whole = takeLine();
    if (whole !== null) {
      line = whole.toString("utf8");
      return JSON.parse(line);
    }
    const count = retried(() => readSync(0, buffer, 0, buffer.length, null));
    if (count === 0) process.exit(0);
    unread.push(Buffer.from(buffer.subarray(0, count)));
  }
}

// A line, if the last chunk that was read has its end; earlier ones have none.
function takeLine() {
  const place = unread.length > 0 ? unread.at(-1).indexOf(NEWLINE) : -1;
  if (place < 0) return null;
  const last = unread.pop();
  const whole = Buffer.concat([...unread, last.subarray(0, place + 1)]);
  unread = place + 1 < last.length ? [last.subarray(place + 1)] : [];
  return whole;
}

// A part of what is written: text, bytes in hex, a frame, or one side of a frame that is cut behind
// the first byte of `at`.
function encoded(part) {
  if (typeof part === "string") return Buffer.from(part);
  if ("hex" in part) return Buffer.from(part.hex, "hex");
  const frame = Buffer.from(`${JSON.stringify(filled(part.frame))}\n`);
  const cut = "at" in part ? frame.indexOf(Buffer.from(part.at)) + 1 : 0;
  return part.side === "head" ? frame.subarray(0, cut) : frame.subarray(cut);
}

// A value with what only the child knows put in.
function filled(value) {
  if (Array.isArray(value)) return value.map(filled);
  if (value === null || typeof value !== "object") return value;
  if ("$" in value) return known[value.$](value);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, filled(inner)]));
}

function writeAll(descriptor, bytes) {
  let done = 0;
  while (done < bytes.length) {
    done += retried(() => writeSync(descriptor, bytes, done, bytes.length - done));
  }
}

// A pipe that is not ready, where it is a non-blocking one, is no error.
function retried(call) {
  for (;;) {
    try {
      return call();
    } catch (error) {
      if (error.code === "EOF") return 0;
      if (error.errno !== -constants.errno.EAGAIN) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

function rest(ms) {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

for (;;) {
  const message = read();
  if (message?.method === "execute") {
    request = message;
    messages = [];
    await act(message.params.job.data.script);
    await rest(0); // signals get their turn
  }
}
