"""Photos on a page: taken by the device, shown as a count, kept until the act is stored."""

from pathlib import Path
from typing import TYPE_CHECKING

from driver_app.core.driver import File
from driver_app.device.ports import Shot
from driver_app.screens.design.components import Action, Column

if TYPE_CHECKING:
    from driver_app.screens.page import Page


def forget_lost_photos(folder: Path) -> None:
    """Those of pages that were open when the app was killed; what was finished has copies."""
    for path in folder.glob("photo-*"):
        path.unlink(missing_ok=True)


class PhotoRow:
    """The photos of one act."""

    def __init__(self, page: "Page") -> None:
        self._page = page
        self.shots: list[Shot] = []

    def widget(self) -> Column:
        say, column = self._page.say, Column()
        text = say("proof.take_photo")
        if self.shots:
            text = say("proof.another_photo", count=len(self.shots))
        column.add(Action(said=text, icon="camera", kind="soft", act=self.take))
        return column

    def take(self) -> None:
        def taken(shot: Shot | None) -> None:
            self._page.app.soon(lambda: self._keep(shot))

        self._page.app.device.camera.take(taken)

    def files(self) -> tuple[File, ...]:
        types = {".png": "image/png"}
        return tuple(
            File(
                content=shot.full,
                content_type=types.get(shot.full.suffix, "image/jpeg"),
                small=shot.small,
            )
            for shot in self.shots
        )

    def forget(self) -> None:
        """The outbox has copies of its own now."""
        for shot in self.shots:
            for path in filter(None, (shot.full, shot.small)):
                path.unlink(missing_ok=True)
        self.shots = []

    def _keep(self, shot: Shot | None) -> None:
        if shot is None:
            self._page.app.tell(self._page.say("proof.no_photo"))
            return
        self.shots.append(shot)
        self._page.refresh()
