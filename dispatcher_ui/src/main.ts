/** The shell of the console: who is signed in, the rooms, search, and how it looks. */

import { setClockOf } from "./clock";
import { get, getMe, logIn, logOut, Refusal, WANTED_PAGE, whenSignedOut, type SignedIn } from "./api";
import { speak, t } from "./language";
import { fetchMap, notify, showLive, startLive } from "./live";
import { applyLook, openLook } from "./look";
import { h, part, say, tell } from "./page";
import { askToSignIn } from "./parts/sign_in";
import { startKeys } from "./keys";
import { ROOMS, roomUrl, type Room } from "./rooms";
import { startRouter } from "./router";

applyLook();
// What the server refused and no form or page shows is still told.
addEventListener("unhandledrejection", ({ reason }) => reason instanceof Refusal && tell(reason.message));
void start();

async function start(): Promise<void> {
  if (location.pathname === roomUrl("")) fetchMap();
  await speak();
  const me = await whoIsThere();
  if (me === undefined) return;
  const { role, name } = me.person;
  say(part("person"), name);
  part("log-out").onclick = () => void logOut().finally(() => location.assign("/login"));
  part("look").onclick = openLook;
  whenSignedOut(() => askToSignIn(logInAgain));
  const rooms = ROOMS.filter((room) => room.roles.includes(role));
  const mayDispatch = role === "admin" || role === "dispatcher";
  if (mayDispatch) {
    startLive(mayReconnect);
  } else {
    void get<{ clock: string | null }>("/api/health").then(({ clock }) => setClockOf(clock), () => undefined);
    part("freshness").parentElement?.remove();
    if (location.pathname === "/dispatch" && rooms[0]) {
      if (role === "account_user") history.replaceState(null, "", roomUrl(rooms[0].path));
      else refuseLive(role);
    }
  }
  showRooms(rooms);
  startKeys(rooms);
  startRouter(
    (room) => rooms.includes(room) || (room.load === undefined && !mayDispatch),
    (room) => {
      markRoom(room);
      showLive(mayDispatch && room !== undefined && room.load === undefined);
    },
  );
}

function refuseLive(role: string): void {
  notify(t("The live map is for dispatchers. You are signed in as {role}.", { role }));
  part("stage").hidden = true;
  document.body.classList.add("without-map");
  for (const id of ["runs-title", "narrow"]) part(id).hidden = true;
}

/** Who is signed in; goes to sign in if nobody is, and waits while the server is away. */
async function whoIsThere(): Promise<SignedIn | undefined> {
  for (;;) {
    try {
      const me = await getMe();
      if (!me.person.must_change_password) return me;
      return leaveToSignIn();
    } catch (error) {
      if (error instanceof Refusal && error.status === 401) {
        return leaveToSignIn();
      }
      tell(t("The server cannot be reached. This page goes on by itself when it answers."));
      await new Promise((resolve) => setTimeout(resolve, 2_000));
    }
  }
}

function leaveToSignIn(): undefined {
  sessionStorage.setItem(WANTED_PAGE, location.pathname + location.search);
  location.assign("/login");
}

async function logInAgain(email: string, password: string): Promise<void> {
  const { person } = await logIn(email, password);
  say(part("person"), person.name);
}

async function mayReconnect(): Promise<boolean> {
  try {
    await getMe();
  } catch (error) {
    if (error instanceof Refusal && error.status === 401) await askToSignIn(logInAgain);
  }
  return true;
}

function showRooms(rooms: Room[]): void {
  const nav = part("rooms");
  nav.ariaLabel = t("Rooms");
  nav.append(
    h("ul", {}, ...rooms.map((room) =>
      h("li", {}, h("a", { href: roomUrl(room.path), "data-room": room.path }, t(room.title))),
    )),
  );
}

function markRoom(room: Room | undefined): void {
  const title = t(room?.title ?? "Not found");
  say(part("title"), title);
  document.title = `${title} · Postrider`;
  part<HTMLAnchorElement>("skip").href = room?.load === undefined ? "#live" : "#room";
  for (const link of document.querySelectorAll<HTMLElement>("[data-room]")) {
    if (link.dataset["room"] === room?.path) {
      link.ariaCurrent = "page";
      link.scrollIntoView({ block: "nearest", inline: "nearest" });
    } else link.ariaCurrent = null;
  }
}
