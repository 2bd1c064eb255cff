"""Java, as the app sees it. Classes are looked up when they are first needed."""

import threading
from collections.abc import Callable
from functools import cache
from typing import Any

import jnius

JavaException = jnius.JavaException
PythonJavaClass: Any = jnius.PythonJavaClass
java_method = jnius.java_method
cast = jnius.cast


@cache
def java(name: str) -> Any:
    """The class of this name, such as `android.content.Intent`."""
    return jnius.autoclass(name)


def activity() -> Any:
    """The screens; only in their own process."""
    return java("org.kivy.android.PythonActivity").mActivity


def context() -> Any:
    """The service in the background process, the activity in the screens'."""
    return java("org.kivy.android.PythonService").mService or activity()


def system(service: str, kind: str) -> Any:
    """A manager of the system, such as `system("power", "android.os.PowerManager")`."""
    return cast(kind, context().getSystemService(service))


def sdk() -> int:
    return int(java("android.os.Build$VERSION").SDK_INT)


def in_thread(deed: Callable[[], Any]) -> None:
    """Away from the screens' thread. A thread that has called Java must say goodbye to it."""

    def work() -> None:
        try:
            deed()
        finally:
            jnius.detach()

    threading.Thread(target=work, daemon=True).start()


class Task(PythonJavaClass):
    """A Java Runnable. Whoever makes one keeps it until it has run."""

    __javainterfaces__ = ["java/lang/Runnable"]  # noqa: RUF012 - pyjnius reads it from the class

    def __init__(self, deed: Callable[[], Any]) -> None:
        super().__init__()
        self._deed = deed

    @java_method("()V")  # type: ignore[untyped-decorator]
    def run(self) -> None:
        self._deed()
