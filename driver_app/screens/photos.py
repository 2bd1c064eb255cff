"""Photos on a page: taken by the device, shown as a count, kept until the act is stored."""

from pathlib import Path
from typing import TYPE_CHECKING

from driver_app.core.driver import File
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
        self.paths: list[Path] = []

    def widget(self) -> Column:
        say, column = self._page.say, Column()
        text = say("proof.take_photo")
        if self.paths:
            text = say("proof.another_photo", count=len(self.paths))
        column.add(Action(said=text, icon="camera", kind="soft", act=self.take))
        return column

    def take(self) -> None:
        def taken(path: Path | None) -> None:
            self._page.app.soon(lambda: self._keep(path))

        self._page.app.device.camera.take(taken)

    def files(self) -> tuple[File, ...]:
        types = {".png": "image/png"}
        return tuple(
            File(content=path, content_type=types.get(path.suffix, "image/jpeg"))
            for path in self.paths
        )

    def forget(self) -> None:
        """The outbox has copies of its own now."""
        for path in self.paths:
            path.unlink(missing_ok=True)
        self.paths = []

    def _keep(self, path: Path | None) -> None:
        if path is None:
            self._page.app.tell(self._page.say("proof.no_photo"))
            return
        self.paths.append(path)
        self._page.refresh()
