// SPDX-License-Identifier: EUPL-1.2
// The agent's page: events in, one model, one drawing of it. Whatever a caller sent is only ever text.

import { acknowledger } from "./drawn.js";
import { follow } from "./stream.js";

const page = document.getElementById("page");
const stage = document.getElementById("stage");
const texts = JSON.parse(page.dataset.texts);
const agent = page.dataset.agent;
const ownTitle = document.title;
const RECENT = 8;

const calls = new Map(); // call → {card, talking}; a Map keeps them in the order of ringing
let recent = [];
let connection = "connecting"; // connecting | live | lost
let caughtUp = false; // what comes now comes as it happens
let clockOffset = 0; // milliseconds by which this computer's clock is ahead of the server's

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
const tenantOf = (card) => card.tenant_name ?? texts.unknown_tenant;
const lineOf = (card) => card.line_title ?? texts.unknown_line;
const callerOf = (card) => card.caller_number ?? (card.caller_withheld ? texts.withheld : texts.unknown_caller);

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function duration(from, to) {
  const seconds = Math.max(0, Math.floor((to - from) / 1000));
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

// --- the model ---

const pops = acknowledger({ agent, isUp: (key) => calls.get(key)?.talking === false });

function rung(card, number) {
  const up = calls.get(card.call)?.talking === false;
  calls.set(card.call, { card, talking: false });
  if (number) pops.owe(card.call, number, caughtUp ? "live" : "caught_up");
  if (up) return;
  document.getElementById("withdrawn").replaceChildren();
  const phrase = card.agent_phrase ? `${texts.say}: ${card.agent_phrase}` : "";
  announce(fill(texts.announcement, { tenant: tenantOf(card), line: lineOf(card), caller: callerOf(card), phrase }));
}

function answered(data) {
  if (data.agent !== agent) return withdraw(data, texts.withdrawn_elsewhere);
  const card = data.call ?? calls.get(keyOf(data))?.card;
  if (card) calls.set(card.call, { card, talking: true });
  announce("");
}

function ringEnded(data) {
  if (data.agent !== agent || data.still_ringing || calls.get(keyOf(data))?.talking) return;
  const words = { answered_elsewhere: texts.withdrawn_elsewhere, abandoned: texts.withdrawn_abandoned, no_answer: texts.withdrawn_no_answer };
  withdraw(data, words[data.why] ?? texts.withdrawn);
}

function ended(data) {
  const call = calls.get(keyOf(data));
  if (!call) return;
  if (!call.talking) return withdraw(data, texts.withdrawn_abandoned);
  withdraw(data, texts.ended);
  recent = [data.call ?? { ...call.card, ended_at: data.at }, ...recent].slice(0, RECENT);
}

function withdraw(data, words) {
  const call = calls.get(keyOf(data));
  if (calls.delete(keyOf(data))) sayWithdrawn(call, words);
}

function sayWithdrawn({ card }, words) {
  const sentence = fill(words, { tenant: tenantOf(card) });
  document.getElementById("withdrawn").replaceChildren(element("p", "notice", sentence));
  announce("");
}

function snapshot(data) {
  const before = new Map(calls);
  calls.clear();
  for (const { call } of data.talking) calls.set(call.call, { card: call, talking: true });
  for (const { call, rung: number } of data.ringing) {
    const known = before.get(call.call);
    if (known?.talking === false) calls.set(call.call, { ...known, card: call });
    rung(call, number);
  }
  const gone = [...before.values()].find((call) => !call.talking && !calls.has(call.card.call));
  if (gone) sayWithdrawn(gone, texts.withdrawn);
  recent = data.recent;
}

const keyOf = (data) => `${data.node}/${data.unique_id}`;

// --- the drawing ---

function draw() {
  const lost = connection === "lost";
  stage.classList.toggle("is-stale", lost);
  stage.replaceChildren(...(calls.size ? [...calls.values()].map((call, place) => callCard(call, `call-${place}`)) : lost ? [] : [idleCard()]));
  drawConnection(lost);
  drawRecent();
  const ringing = [...calls.values()].find((call) => !call.talking);
  const state = lost
    ? texts.title_lost
    : ringing
      ? fill(texts.title_ringing, { tenant: tenantOf(ringing.card) })
      : calls.size
        ? texts.title_talking
        : null;
  document.title = state ? `${state} – ${ownTitle}` : ownTitle;
  tick();
}

function callCard({ card, talking }, id) {
  const article = element("article", `card call ${talking ? "is-talking" : "is-ringing"}`);
  const state = element("p", "state");
  const dot = element("span", "dot");
  dot.setAttribute("aria-hidden", "true");
  state.append(dot, talking ? texts.talking : texts.ringing);
  const heading = element("h2", "tenant", tenantOf(card));
  heading.id = id; // never from outside: a space in it would be two ids
  heading.lang = "de";
  article.setAttribute("aria-labelledby", heading.id);
  const who = element("div");
  who.append(state, heading, element("p", "line", lineOf(card)));
  article.append(who);
  if (card.agent_phrase && !talking) article.append(phraseBox(card.agent_phrase));
  article.append(facts(card, talking));
  return article;
}

function phraseBox(phrase) {
  const box = element("div", "say");
  const words = element("p", "say-words", `„${phrase}“`);
  words.lang = "de"; // callers are greeted in German whatever the page's language
  box.append(element("p", "say-label", texts.say), words);
  return box;
}

function facts(card, talking) {
  const list = element("dl", "facts");
  const caller = fact(texts.caller, callerOf(card));
  caller.lastChild.classList.toggle("is-word", card.caller_number === null);
  list.append(caller);
  if (card.dialled_number) list.append(fact(texts.dialled, card.dialled_number));
  if (card.building) list.append(fact(texts.building, buildingWords(card.building)));
  const since = talking ? card.answered_at : (card.queued_at ?? card.received_at);
  if (since) {
    const time = fact(talking ? texts.talking_time : texts.waiting_time, "");
    time.lastChild.dataset.since = since;
    list.append(time);
  }
  return list;
}

function buildingWords({ open, until, why }) {
  const language = document.documentElement.lang;
  const sameDay = until && new Date(until).toDateString() === new Date().toDateString();
  const shape = sameDay ? { timeStyle: "short" } : { dateStyle: "full", timeStyle: "short" };
  const time = until && new Intl.DateTimeFormat(language, shape).format(new Date(until));
  const state = !open ? texts.building_closed : time ? fill(texts.building_open_until, { until: time }) : texts.building_open;
  const opens = !open && time ? fill(texts.building_opens, { until: time }) : "";
  return [state, why, opens].filter(Boolean).join(", ");
}

function fact(label, value) {
  const group = element("div");
  group.append(element("dt", "", label), element("dd", "", value));
  return group;
}

function idleCard() {
  const card = element("div", "card idle");
  if (connection === "connecting") card.append(element("p", "", texts.connecting));
  else card.append(element("h2", "", texts.waiting_heading), element("p", "", texts.waiting_words));
  return card;
}

function drawConnection(lost) {
  document.getElementById("connection").dataset.state = connection;
  const words = { connecting: texts.connecting, live: texts.connected, lost: texts.lost };
  const shown = document.getElementById("connection-words");
  if (shown.textContent !== words[connection]) shown.textContent = words[connection]; // is read out when set
  const banner = document.getElementById("lost");
  if (lost === banner.hasChildNodes()) return;
  const notice = element("div", "notice notice-lost");
  notice.append(element("strong", "", texts.lost_heading), texts.lost_words);
  banner.replaceChildren(...(lost ? [notice] : []));
}

function drawRecent() {
  const rows = recent.map((card) => {
    const row = element("li");
    const at = new Date(card.answered_at ?? card.received_at);
    const time = element("time", "", at.toLocaleTimeString("de", { hour: "2-digit", minute: "2-digit" }));
    time.dateTime = at.toISOString();
    const lasted = card.ended_at ? duration(at, new Date(card.ended_at)) : "";
    row.append(time, element("span", "", `${tenantOf(card)}: ${lineOf(card)}`));
    row.append(element("span", "result", fill(texts.answered_here, { duration: lasted })));
    return row;
  });
  document.getElementById("recent").replaceChildren(...(rows.length ? rows : [element("li", "none", texts.no_recent)]));
}

function tick() {
  const present = Date.now() - clockOffset;
  for (const shown of stage.querySelectorAll("[data-since]")) shown.textContent = duration(new Date(shown.dataset.since), present);
}

function announce(sentence) {
  document.getElementById("heard").textContent = sentence;
}

// --- the wiring ---

const handlers = {
  snapshot,
  rung: (data) => data.call && data.agent === agent && rung(data.call, data.seq),
  ring_ended: ringEnded,
  answered,
  ended,
  feed: (data) => {
    connection = data.live ? "live" : "lost";
    caughtUp = data.live;
  },
  beat: () => {},
};

follow({
  url: `/events?agent=${encodeURIComponent(agent)}`,
  silenceSeconds: Number(page.dataset.silenceSeconds),
  handlers,
  onData: (data) => {
    if (data.at && (data.live !== undefined || data.kind === undefined)) clockOffset = Date.now() - Date.parse(data.at);
  },
  onCaughtUp: () => {
    draw();
    pops.drawn();
  },
  onLost: () => {
    connection = "lost";
    caughtUp = false;
    draw();
  },
});
draw();
setInterval(tick, 1000);
