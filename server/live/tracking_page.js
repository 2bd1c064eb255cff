const EVERY_MS = 5000;
const FIRST_WORD_MS = 4000;
const part = (id) => document.getElementById(id);
const at = location.pathname, query = location.search;

function say(id, text) {
  const element = part(id);
  if (element && element.textContent !== text) element.textContent = text;
}

function show(now) {
  if (now.revision !== document.body.dataset.revision) return location.reload();
  for (const id of ["when", "stops", "seen", "updated"]) say(id, now[id]);
  if (now.courier) part("courier").setAttribute("transform", `translate(${now.courier})`);
  part("problem").hidden = true;
}

// Three ways to hear what is new, the best one first; each answers with how to stop it.

function bySocket(heard, failed) {
  const socket = new WebSocket(`${location.origin.replace("http", "ws")}/ws${at}${query}`);
  socket.onmessage = (event) => heard(JSON.parse(event.data));
  socket.onclose = failed;
  return () => {
    socket.onclose = null;
    socket.close();
  };
}

function byEvents(heard, failed) {
  const events = new EventSource(`${at}/events${query}`);
  events.onmessage = (event) => heard(JSON.parse(event.data));
  events.onerror = failed;
  return () => events.close();
}

function byAsking(heard, failed) {
  const asking = new AbortController();
  let again;
  async function ask() {
    try {
      const answer = await fetch(`${at}/status${query}`, { cache: "no-store", signal: asking.signal });
      if (answer.status === 404) return location.reload();
      if (!answer.ok) throw new Error(answer.statusText);
      heard(await answer.json());
      again = setTimeout(ask, EVERY_MS);
    } catch {
      if (!asking.signal.aborted) failed();
    }
  }
  ask();
  return () => {
    clearTimeout(again);
    asking.abort();
  };
}

const ways = [bySocket, byEvents, byAsking];
let way = 0;
let stop = () => {};

function follow() {
  stop();
  if (document.hidden) return;
  let hasHeard = false;
  let waiting = setTimeout(failed, FIRST_WORD_MS);
  let close = () => {};
  stop = () => {
    clearTimeout(waiting);
    close();
  };
  function heard(now) {
    if (!hasHeard) clearTimeout(waiting);
    hasHeard = true;
    show(now);
  }
  function failed() {
    stop();
    const isLast = way === ways.length - 1;
    if (!hasHeard) way = (way + 1) % ways.length;
    const isOut = isLast || hasHeard;
    if (isOut) part("problem").hidden = false;
    waiting = setTimeout(follow, isOut ? EVERY_MS : 0);
  }
  try {
    close = ways[way](heard, failed);
  } catch {
    failed();
  }
}

follow();
document.addEventListener("visibilitychange", follow);
