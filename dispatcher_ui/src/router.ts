/** The URL says which room is open and what it shows; back and forward work as everywhere. */

import { t } from "./language";
import { namesAreKnown } from "./names";
import { h, part } from "./page";
import { ROOMS, type Room } from "./rooms";

let leave = new AbortController();
let mayEnter: (room: Room) => boolean = () => false;
let entered: (room: Room | undefined) => void = () => undefined;

export function startRouter(
  isAllowed: (room: Room) => boolean,
  onEntered: (room: Room | undefined) => void,
): void {
  mayEnter = isAllowed;
  entered = onEntered;
  addEventListener("popstate", () => void showRoom());
  document.addEventListener("click", (event) => {
    const link = (event.target as Element).closest?.("a");
    if (!link || event.defaultPrevented || event.button !== 0 || hasModifier(event)) return;
    if (link.origin !== location.origin || !/^\/dispatch(\/|$)/.test(link.pathname)) return;
    if (link.hash !== "" || link.target !== "") return;
    event.preventDefault();
    go(link.href);
  });
  void openRoom(true);
}

export function go(url: string): void {
  history.pushState(null, "", url);
  void showRoom();
}

/** Note what is shown in the URL, without opening anything anew. */
export function noteQuery(query: URLSearchParams): void {
  const text = query.toString();
  history.replaceState(null, "", location.pathname + (text ? `?${text}` : ""));
}

export const showRoom = (): Promise<void> => openRoom(false);

/** isFirst: with the page itself, which is read from its top; later on one goes on in the room. */
async function openRoom(isFirst: boolean): Promise<void> {
  leave.abort();
  leave = new AbortController();
  const { signal } = leave;
  const [path = "", ...segments] = location.pathname.split("/").slice(2).map(decodeURIComponent);
  const room = ROOMS.find((each) => each.path === path && mayEnter(each));
  const isLive = room !== undefined && room.load === undefined;
  part("live").hidden = !isLive;
  const place = part("room");
  place.hidden = isLive;
  entered(room);
  if (isLive) return;
  const shown = h("div", { class: "sheet" });
  place.replaceChildren(shown);
  place.scrollTop = 0;
  place.ariaBusy = "true";
  if (room?.load === undefined) {
    place.ariaBusy = "false";
    shown.append(h("p", { class: "empty" }, t("There is no such page here, or it is not for you.")));
    return;
  }
  try {
    const loaded = room.load().catch(() => {
      throw new Error(t("The server cannot be reached. Try again."));
    });
    const [{ open }] = await Promise.all([loaded, namesAreKnown()]);
    if (!signal.aborted) {
      await open({ place: shown, segments, query: new URLSearchParams(location.search), signal });
    }
  } catch (error) {
    if (signal.aborted) return;
    shown.append(
      h("p", { class: "notice", role: "alert" }, (error as Error).message),
      h("p", {}, h("button", { type: "button", onclick: () => void showRoom() }, t("Try again"))),
    );
  } finally {
    if (!signal.aborted) {
      place.ariaBusy = "false";
      if (!isFirst && document.activeElement === document.body) place.focus({ preventScroll: true });
    }
  }
}

const hasModifier = (event: MouseEvent): boolean =>
  event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
