// SPDX-License-Identifier: EUPL-1.2
// Tells the server, once for each ring, that its pop is on the screen: after the frame that shows it. A page that lies
// behind another one is not drawn by the browser; it says so, and says it again when it comes to the front.

const LONGEST_OWED = 50;

export function acknowledger({ agent, isUp }) {
  const owed = new Map(); // number of the ring → {key, how}
  const seen = new Map(); // number of the ring → key, for rings told while the page was hidden
  const told = new Set();

  function owe(key, number, how) {
    if (told.has(number)) return;
    owed.set(number, { key, how });
    if (owed.size > LONGEST_OWED) owed.delete(owed.keys().next().value);
  }

  function drawn() {
    if (owed.size === 0) return;
    if (document.hidden) tell("hidden");
    // The callback runs before its frame is painted, a task that it makes runs behind it.
    else requestAnimationFrame(() => setTimeout(() => tell(null), 0));
  }

  function tell(instead) {
    for (const [number, { key, how }] of owed) {
      owed.delete(number);
      if (!isUp(key)) continue; // gone before it was painted
      if (instead === "hidden") seen.set(number, key);
      told.add(number);
      send(number, key, instead ?? how);
    }
    while (told.size > LONGEST_OWED) told.delete(told.values().next().value);
  }

  async function send(number, key, how) {
    const url = `/pops/${number}/drawn?agent=${encodeURIComponent(agent)}&how=${how}`;
    try {
      const answer = await fetch(url, { method: "POST", keepalive: true });
      if (answer.status < 500) return;
    } catch {
      // told again with whatever is drawn next
    }
    told.delete(number);
    owe(key, number, "caught_up");
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    for (const [number, key] of seen) {
      told.delete(number);
      owe(key, number, "caught_up");
    }
    seen.clear();
    drawn();
  });

  return { owe, drawn };
}
