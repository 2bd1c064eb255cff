"""The words of the public pages, by language: a file for each. What a language lacks is said in
English, so a new sentence never breaks a page."""

from server.live.tracking_texts_de import DE
from server.live.tracking_texts_es import ES

EN: dict[str, str] = {
    "title": "Your parcel",
    "title_return": "Your return",
    "headline_announced": "We are expecting your parcel",
    "headline_on_the_way_to_depot": "Your parcel is on its way to our depot",
    "headline_at_depot": "Your parcel is at our depot",
    "headline_on_the_road": "Your parcel is on its way to you",
    "headline_next": "You are next",
    "headline_attempted": "We could not deliver your parcel",
    "headline_delivered": "Your parcel has been delivered",
    "headline_refused": "Your parcel was not accepted",
    "headline_damaged": "Your parcel was damaged on the way",
    "headline_lost": "We cannot find your parcel",
    "headline_returning": "Your parcel is going back to its sender",
    "headline_returned": "Your parcel went back to its sender",
    "headline_cancelled": "This delivery was cancelled",
    "return_announced": "We will collect your return",
    "return_next": "You are next",
    "return_on_the_way_to_depot": "We have collected your return",
    "return_at_depot": "Your return has arrived at our depot",
    "return_cancelled": "This collection was cancelled",
    "return_attempted": "We could not collect your return",
    "step_announced": "Announced to us",
    "step_on_the_way_to_depot": "Collected",
    "step_at_depot": "At the depot",
    "step_on_the_road": "Out for delivery",
    "step_attempted": "Delivery attempted",
    "step_delivered": "Delivered",
    "step_refused": "Not accepted",
    "step_damaged": "Damaged",
    "step_lost": "Missing",
    "step_returning": "On its way back",
    "step_returned": "Back at the sender",
    "step_cancelled": "Cancelled",
    "expected": "Expected",
    "agreed": "Agreed time",
    "late": "This takes longer than planned. A new time will be shown here.",
    "next_step_attempted": "We will try again.",
    "next_step_lost": "We are looking for it and will tell the sender.",
    "next_step_damaged": "We have told the sender, who will contact you.",
    "stops_0": "Yours is the next stop",
    "stops_1": "1 stop before yours",
    "stops_n": "{count} stops before yours",
    "town": "To {town}",
    "town_return": "From {town}",
    "timeline": "What has happened so far",
    "map_with_courier": "Map: the streets around your door, and roughly where the courier is",
    "map": "Map: the streets around your door",
    "map_credit": "Map data © OpenStreetMap contributors",
    "courier": "The courier, to about 100 m, at",
    "door": "Your door",
    "updated": "As of",
    "not_updated": "No connection. What you see may be out of date.",
    "not_valid_title": "This link is not valid (any more)",
    "not_valid": "Tracking links end some time after the delivery. Ask the sender for a new one.",
    "slow_down_title": "Too many tries",
    "slow_down": "Many links that are not valid were tried from your connection. "
    "Please wait a moment, then open yours again.",
    "languages": "Languages",
    "change": "Change the delivery",
    "change_hint": "Another day, a safe place, a neighbour, a word to the courier.",
    "your_wish": "Your wish",
    "return_goods": "Send something back",
    "rate": "How was the delivery?",
    "stars_1": "1 star: bad",
    "stars_2": "2 stars",
    "stars_3": "3 stars",
    "stars_4": "4 stars",
    "stars_5": "5 stars: very good",
    "comment": "A word about it (optional)",
    "rate_send": "Send",
    "rated": "Thank you for your {stars} of 5 stars.",
    "contact": "Questions? {contact}",
    "back": "Back to your parcel",
    "change_title": "How shall we bring it?",
    "day": "When",
    "day_kept": "As planned",
    "where": "Where may it be left?",
    "place_door": "At the door, to a person",
    "place_safe_place": "At a safe place",
    "place_neighbour": "With a neighbour",
    "detail": "Which place, or which neighbour",
    "note": "What the courier should know (optional)",
    "save": "Save",
    "saved": "Thank you. The courier will know.",
    "in_person": "This parcel must be taken in person.",
    "day_settled": "The goods are on the road: the day can no longer be changed.",
    "too_late": "This can no longer be changed: the courier is about to come, or it is over.",
    "nothing_said": "Please say which place, or which neighbour.",
    "window_gone": "This time is no longer free. Please choose another one.",
    "no_stars": "Please choose one to five stars.",
    "not_delivered": "A delivery can be rated once it has been made.",
    "other": "Please check what you have entered and try again.",
}

TEXTS: dict[str, dict[str, str]] = {"en": EN, "de": EN | DE, "es": EN | ES}
LANGUAGES = {"en": "English", "de": "Deutsch", "es": "Español"}


def language_of(accepted: str, wanted: str = "") -> str:
    """The language that somebody chose, else the first of an Accept-Language header that we
    speak, else English."""
    for part in (wanted, *accepted.lower()[:200].split(",")):
        language = part.split(";")[0].strip()[:2]
        if language in TEXTS:
            return language
    return "en"
