// Reads a UI message stream from stdin as a page does, with the AI SDK's own code.
// Prints {"invalid": [...], "errors": [...], "message": {...}}.
import { parseJsonEventStream, readUIMessageStream, uiMessageChunkSchema } from "ai";

const schema =
  typeof uiMessageChunkSchema === "function" ? uiMessageChunkSchema() : uiMessageChunkSchema;
const bytes = [];
for await (const piece of process.stdin) bytes.push(piece);
const body = new Blob(bytes).stream();

const invalid = [];
const errors = [];
const chunks = parseJsonEventStream({ stream: body, schema }).pipeThrough(
  new TransformStream({
    transform(result, controller) {
      if (result.success) controller.enqueue(result.value);
      else invalid.push(String(result.error));
    },
  }),
);
let message = null;
const onError = (error) => errors.push(String(error?.message ?? error));
for await (const state of readUIMessageStream({ stream: chunks, onError })) message = state;
console.log(JSON.stringify({ invalid, errors, message }));
