// SPDX-License-Identifier: EUPL-1.2
// An event stream that is never silently dead. What was missed comes in a burst that ends with the event `feed`: the
// page is drawn once after it, so that a call that came and went meanwhile does not flash up.

const FIRST_WAIT = 1000; // milliseconds
const LONGEST_WAIT = 10000;

export function follow({ url, silenceSeconds, handlers, onData, onCaughtUp, onLost }) {
  let source = null;
  let last = null;
  let caughtUp = false;
  let wait = FIRST_WAIT;
  let watchdog = 0;
  let retry = 0;

  function open() {
    clearTimeout(retry);
    source?.close();
    source = new EventSource(last === null ? url : `${url}&after=${last}`);
    for (const [kind, handle] of Object.entries(handlers)) source.addEventListener(kind, (event) => heard(kind, handle, event));
    source.addEventListener("error", failed);
    watch();
  }

  function heard(kind, handle, event) {
    watch();
    if (event.lastEventId) last = event.lastEventId;
    const data = JSON.parse(event.data);
    onData(data);
    handle(data);
    if (kind === "feed") {
      caughtUp = true;
      wait = FIRST_WAIT;
    }
    if (caughtUp && kind !== "beat") onCaughtUp();
  }

  function failed() {
    caughtUp = false;
    onLost();
    // A browser reconnects by itself only after a broken connection, not after an answer like 503.
    if (source.readyState === EventSource.CLOSED) openLater();
  }

  function openLater() {
    clearTimeout(watchdog);
    clearTimeout(retry);
    retry = setTimeout(open, wait);
    wait = Math.min(wait * 2, LONGEST_WAIT);
  }

  function watch() {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => {
      caughtUp = false;
      source.close();
      onLost();
      openLater();
    }, silenceSeconds * 1000);
  }

  window.addEventListener("offline", () => source.dispatchEvent(new Event("error")));
  window.addEventListener("online", open);
  open();
}
