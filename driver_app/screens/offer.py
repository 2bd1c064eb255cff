"""An urgent job, offered for a while: yes or no, before anything else."""

from functools import partial

from driver_app.core.news import find_offer
from driver_app.core.view import RunView
from driver_app.screens.design.components import Card
from driver_app.screens.design.lettering import Txt
from driver_app.screens.page import Page, clock_time
from driver_app.screens.stops import describe_time, describe_work, name_of


class OfferPage(Page):
    def build(self, run: RunView) -> None:
        self.title(self.say("offer.title"))
        offer = find_offer(run, self.app.clock())
        if offer is None:
            self.add(self.banner(self.say("offer.over"), "warn", "clock"))
            self.add_foot(self.button(self.say("app.continue"), "forward", self.app.go_home))
            return
        self.shown_until = offer.until
        until = self.say("offer.until", time=clock_time(offer.until))
        self.add(self.banner(until, "warn", "clock"))
        card = Card(active=True)
        card.add(
            Txt(said=name_of(offer.stop.stop), size_of="title", bold=True),
            Txt(said=describe_time(self.say, offer.stop.stop)),
            Txt(said=describe_work(self.say, offer.stop), tone="ink_2"),
        )
        self.add(card)
        driver, place = self.app.driver, offer.stop.stop
        self.add(
            self.button(
                self.say("stop.navigate"),
                "navigate",
                lambda: self.app.device.handover.navigate(place.lon, place.lat, place.address),
                "soft",
            )
        )
        self.add_foot(
            self.button(
                self.say("offer.decline"), "close", lambda: self._decline(offer.task_ids), "plain"
            ),
            self.button(
                self.say("offer.accept"),
                "check",
                lambda: self._answer(partial(driver.accept, offer.task_ids, self.app.position())),
            ),
        )

    def _decline(self, task_ids: tuple[str, ...]) -> None:
        def decline() -> None:
            for task_id in task_ids:
                self.app.driver.decline(task_id, "offer_declined", self.app.position())

        self._answer(decline)

    def _answer(self, deed: object) -> None:
        assert callable(deed)
        if self.act(deed):
            self.app.go_home()
