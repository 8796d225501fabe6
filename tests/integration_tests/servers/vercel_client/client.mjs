// What `useChat` is without React: the AI SDK's own chat, transport and reader.
//
//   node client.mjs VERSION URL
//
// Reads one JSON object a line, {"send": "text"} or {"stop": true}, and prints the
// whole state as one JSON object a line after every change.
import { createInterface } from "node:readline";

const [version, api] = process.argv.slice(2);
const { AbstractChat, DefaultChatTransport } = await import(`ai${version}`);

class State {
  #values = { status: "ready", error: undefined, messages: [] };
  transient = [];

  get status() { return this.#values.status; }
  set status(value) { this.#change({ status: value }); }
  get error() { return this.#values.error; }
  set error(value) { this.#change({ error: value }); }
  get messages() { return this.#values.messages; }
  set messages(value) { this.#change({ messages: value }); }

  pushMessage(message) { this.messages = [...this.messages, message]; }
  popMessage() { this.messages = this.messages.slice(0, -1); }
  replaceMessage(index, message) {
    this.messages = this.messages.with(index, this.snapshot(message));
  }
  snapshot(value) { return structuredClone(value); }

  #change(values) {
    Object.assign(this.#values, values);
    const { status, error, messages } = this.#values;
    const state = { status, error: error?.message ?? null, messages };
    process.stdout.write(`${JSON.stringify({ ...state, transient: this.transient })}\n`);
  }
}

const state = new State();

class Chat extends AbstractChat {
  constructor() {
    super({
      state,
      transport: new DefaultChatTransport({ api }),
      onData: (part) => state.transient.push(part),
      onError: () => {}, // the state tells
    });
  }
}

const chat = new Chat();
for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  if (asked.send !== undefined) chat.sendMessage({ text: asked.send });
  if (asked.stop) chat.stop();
}
process.exit(0);
