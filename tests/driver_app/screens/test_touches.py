"""What a finger does that is no clean tap: it rests, it slides, it bounces."""

from kivy.base import EventLoop
from kivy.core.window import Window
from kivy.tests.common import UnitTestTouch

from driver_app.core.store import Store
from driver_app.screens.app import PostriderApp
from driver_app.screens.door import FailPage
from driver_app.screens.settings import SettingsPage
from driver_app.screens.stop import StopPage
from driver_app.screens.today import RunPage, TodayPage
from tests.driver_app.screens import window
from tests.driver_app.screens.handsets import Handset


def middle_of(said: str) -> tuple[float, float]:
    widget = window.find(said)
    window.show(widget)
    x, y = widget.to_window(widget.center_x, widget.center_y)
    return float(x), float(y)


def test_finger_that_rests_before_it_scrolls_presses_nothing(app: PostriderApp) -> None:
    app.open(FailPage, task_id="T4")
    window.frames(3)
    page = app.pages[-1]
    finger = UnitTestTouch(*middle_of("Closed"))
    finger.touch_down()
    window.until(lambda: True)
    for _ in range(30):
        window.frames(1)
    for step in range(1, 8):
        finger.touch_move(finger.x, finger.y + 10 * step)
        window.frames(1)
    finger.touch_up()
    window.frames(5)
    assert page.outcome == ""


def test_tap_does_what_it_says_in_the_same_frame(app: PostriderApp) -> None:
    app.open(FailPage, task_id="T4")
    window.frames(3)
    finger = UnitTestTouch(*middle_of("Closed"))
    finger.touch_down()
    finger.touch_up()
    assert app.pages[-1].outcome == "closed"


def test_second_tap_of_a_glove_that_bounces_does_nothing(app: PostriderApp) -> None:
    app.open(StopPage, stop_id="S1")
    window.frames(3)
    place = middle_of("Set off")
    window.tap("Set off")
    bounce = UnitTestTouch(*place)
    bounce.is_double_tap = True
    bounce.touch_down()
    bounce.touch_up()
    window.frames(3)
    task = app.driver.view().find_task("T1")
    assert task is not None and task.state == "en_route", "the same place now says: I am here"


def test_page_does_not_change_under_a_finger(app: PostriderApp, phone_store: Store) -> None:
    app.open(FailPage, task_id="T4")
    app.back()
    window.frames(3)
    before = list(window.widgets(type(window.find("Next stop"))))
    finger = UnitTestTouch(*middle_of("Next stop"))
    finger.touch_down()
    phone_store.put_setting("link", "socket")
    app.look()
    assert list(window.widgets(type(window.find("Next stop")))) == before
    finger.touch_up()
    window.frames(3)
    assert isinstance(app.pages[-1], StopPage)
    assert not EventLoop.touches


def test_back_leads_back_to_the_first_page(app: PostriderApp, handset: Handset) -> None:
    app.open(SettingsPage)
    app.open(RunPage)
    for _ in range(2):
        assert Window.dispatch("on_keyboard", 27, 0, None, [])
    assert isinstance(app.pages[-1], TodayPage)
