// The page: asks, shows what comes, stops, and comes back after a lost connection.
//
// An answer is an object that is stored whole, together with the number of the last
// frame that it holds. So a reload, a lost connection and a woken laptop are the same
// thing: ask for what follows that number. Nothing a model says is ever parsed as
// HTML: it only becomes the data of text nodes.

const KEY = "chat";
const SILENT = 45_000; // milliseconds; the server sends a ping every 15 seconds
const at = (id) => document.getElementById(id);
const [log, form, question, send, stop] =
  ["log", "form", "question", "send", "stop"].map(at);

let messages = [];       // {role, content}, and of answers what `newAnswer` has
let views = new Map();   // answer -> its elements
let current = null;      // the answer under way
let saving = 0;

// ── Answers ─────────────────────────────────────────────────────────────────────

function newAnswer() {
  const random = crypto.getRandomValues(new Uint8Array(16));
  const id = Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return {
    role: "assistant", content: "", reasoning: "", sources: [],
    id, last: "", status: "Connecting", error: "", ended: false,
  };
}

const on = {
  status: (answer, event) => { answer.status = event.content || event.phase; },
  reasoning: (answer, event) => {
    answer.reasoning += event.content;
    answer.status = "Thinking";
  },
  text: (answer, event) => {
    answer.content += event.content;
    answer.status = "Answering";
  },
  source: (answer, event) => { answer.sources.push(event.source); },
  final: (answer, event) => end(answer, figures(event)),
  error: (answer, event) => {
    answer.error = event.message;
    end(answer, "");
  },
};

function end(answer, status) {
  answer.status = status;
  answer.ended = true;
}

const REASONS = { stop: "", stopped: "Stopped", length: "Cut: too long" };

function figures({ finish_reason: reason, usage, metadata = {} }) {
  const { first_token_seconds: first, tokens_per_second: pace } = metadata.timing ?? {};
  return [
    reason in REASONS ? REASONS[reason] : reason,
    usage ? `${usage.output_tokens} tokens` : "",
    pace ? `${Math.round(pace)} a second` : "",
    first != null ? `first after ${first.toFixed(1)} s` : "",
    usage?.cost != null ? `$${usage.cost.toPrecision(2)}` : "",
  ].filter(Boolean).join(" · ");
}

// ── The connection ──────────────────────────────────────────────────────────────

function ask(text) {
  messages.push({ role: "user", content: text });
  messages.push(newAnswer());
  messages.slice(-2).forEach(show);
  log.scrollTop = log.scrollHeight;
  follow(messages.at(-1));
}

/** Read an answer to its end, over as many connections as it takes. */
async function follow(answer) {
  current = answer;
  draw(answer);
  for (let failures = 0; !answer.ended && current === answer;) {
    try {
      const before = answer.last;
      await read(answer);
      failures = answer.last === before ? failures + 1 : 0;
    } catch (error) {
      // fetch's words for "no network", and ours for "silent for too long"
      if (!(error instanceof TypeError) && error.name !== "AbortError") throw error;
      failures += 1;
    }
    if (answer.ended || current !== answer) break;
    if (failures > 8) {
      answer.error = "The connection is lost. Reload the page to try again.";
      break;
    }
    answer.status = "Connection lost, trying again";
    draw(answer);
    await pause(Math.min(250 * 2 ** failures, 8000));
  }
  if (current === answer) current = null;
  draw(answer);
  save();
}

async function read(answer) {
  const silence = new AbortController();
  const asked = messages.slice(0, messages.indexOf(answer))
    .filter(({ content }) => content)
    .map(({ role, content }) => ({ role, content }));
  const response = await fetch(`chat/${answer.id}`, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      ...(answer.last && { "Last-Event-ID": answer.last }),
    },
    body: JSON.stringify({ messages: asked }),
    signal: silence.signal,
  });
  if (response.status === 204) return end(answer, ""); // there is nothing more
  if (!response.ok) {
    const told = await response.json().catch(() => ({}));
    answer.error = told.message ?? `The server answered ${response.status}.`;
    return end(answer, "");
  }
  for await (const { id, data } of frames(response.body, silence)) {
    if (current !== answer) return;
    const event = JSON.parse(data);
    on[event.type]?.(answer, event);
    if (id) answer.last = id;
    draw(answer);
    saveSoon();
    if (answer.ended) return;
  }
}

/** The frames of a server-sent event stream, which is aborted if it falls silent. */
async function* frames(body, silence) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "", id = "", data = [];
  try {
    for (;;) {
      const timer = setTimeout(() => silence.abort(), SILENT);
      const { done, value } = await reader.read().finally(() => clearTimeout(timer));
      if (done) return;
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        const [, name, text] = /^([^:]*):? ?([^]*)$/.exec(line);
        if (name === "id") id = text;
        else if (name === "data") data.push(text);
        else if (line === "" && data.length) {
          yield { id, data: data.join("\n") };
          data = [];
        }
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** Ask the server to stop the model; the answer's last frame then says so. */
async function stopAnswer() {
  stop.disabled = true;
  try {
    if (current) await fetch(`chat/${current.id}`, { method: "DELETE" });
  } finally {
    stop.disabled = false;
  }
}

const pause = (milliseconds) => new Promise((resolve) => {
  const timer = setTimeout(resolve, milliseconds);
  addEventListener("online", () => { clearTimeout(timer); resolve(); }, { once: true });
});

// ── The screen ──────────────────────────────────────────────────────────────────

function show(message) {
  at("welcome").hidden = true;
  const article = at(`of-${message.role}`).content.cloneNode(true).firstElementChild;
  log.append(article);
  if (message.role === "user") {
    article.querySelector(".text").textContent = message.content;
    return;
  }
  const find = (selector) => article.querySelector(selector);
  views.set(message, {
    article,
    reasoning: find(".reasoning"),
    summary: find("summary"),
    thought: find(".reasoning .text"),
    answer: find(".answer"),
    sources: find(".sources"),
    error: find(".error"),
    status: find(".status"),
  });
  draw(message);
}

function draw(answer) {
  const view = views.get(answer);
  if (!view) return;
  const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
  const isBusy = current === answer;
  view.article.classList.toggle("busy", isBusy);
  view.article.setAttribute("aria-busy", isBusy);
  view.reasoning.hidden = !answer.reasoning;
  setText(view.summary, isBusy && !answer.content ? "Thinking" : "Thoughts");
  grow(view.thought, answer.reasoning);
  grow(view.answer, answer.content);
  for (const source of answer.sources.slice(view.sources.childElementCount)) {
    view.sources.append(sourceItem(source));
  }
  setText(view.error, answer.error);
  setText(view.status, answer.status);
  stop.hidden = current === null;
  send.hidden = current !== null;
  if (isAtEnd) log.scrollTop = log.scrollHeight;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Append what is new to an element's one text node. */
function grow(element, text) {
  const node = element.firstChild ?? element.appendChild(new Text());
  if (text.length > node.length) node.appendData(text.slice(node.length));
}

/** A link where the address is one that a page may link to, else its words. */
function sourceItem({ title, url, content_excerpt: excerpt }) {
  const item = document.createElement("li");
  const address = URL.canParse(url ?? "") ? new URL(url) : null;
  const isWeb = address !== null && ["http:", "https:"].includes(address.protocol);
  const words = title || (isWeb ? address.hostname : url) || excerpt || "Source";
  if (!isWeb) {
    item.textContent = words;
    return item;
  }
  const link = document.createElement("a");
  link.href = address.href;
  link.target = "_blank";
  link.rel = "noopener noreferrer";
  link.title = address.href;
  link.textContent = words;
  item.append(link);
  return item;
}

// ── What is kept over a reload ──────────────────────────────────────────────────

function save() {
  clearTimeout(saving);
  saving = 0;
  try {
    sessionStorage.setItem(KEY, JSON.stringify(messages));
  } catch {
    // no storage, or a full one: the page works without
  }
}

function saveSoon() {
  saving ||= setTimeout(save, 250);
}

function restore() {
  try {
    messages = JSON.parse(sessionStorage.getItem(KEY)) ?? [];
  } catch {
    messages = [];
  }
  messages.forEach(show);
  log.scrollTop = log.scrollHeight;
  const latest = messages.at(-1);
  if (latest?.role === "assistant" && !latest.ended) {
    latest.error = "";
    follow(latest);
  }
}

function forget() {
  stopAnswer();
  current = null;
  messages = [];
  log.querySelectorAll("article").forEach((article) => article.remove());
  views = new Map();
  at("welcome").hidden = false;
  stop.hidden = true;
  send.hidden = false;
  save();
  question.focus();
}

// ── The controls ────────────────────────────────────────────────────────────────

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = question.value.trim();
  if (!text || current) return;
  question.value = "";
  ask(text);
});
question.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
});
stop.addEventListener("click", stopAnswer);
at("new").addEventListener("click", forget);
addEventListener("pagehide", save);

const about = await fetch("about").then((response) => response.json(), () => ({}));
at("model").textContent = about.model ?? "";
for (const text of about.questions ?? []) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = text;
  button.addEventListener("click", () => { if (!current) ask(text); });
  at("questions").append(button);
}
restore();
