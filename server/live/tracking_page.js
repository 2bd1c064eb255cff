const EVERY_MS = 5000;
const part = (id) => document.getElementById(id);

function say(id, text) {
  const element = part(id);
  if (element && element.textContent !== text) element.textContent = text;
}

async function look() {
  if (document.hidden) return;
  try {
    const answer = await fetch(location.pathname + "/status" + location.search, { cache: "no-store" });
    if (answer.status === 404) return location.reload();
    if (!answer.ok) throw new Error(answer.statusText);
    const now = await answer.json();
    if (now.revision !== document.body.dataset.revision) return location.reload();
    for (const id of ["when", "stops", "seen", "updated"]) say(id, now[id]);
    if (now.courier) part("courier").setAttribute("transform", `translate(${now.courier})`);
    part("problem").hidden = true;
  } catch {
    part("problem").hidden = false;
  }
}

setInterval(look, EVERY_MS);
document.addEventListener("visibilitychange", look);
