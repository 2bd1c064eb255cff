"""The driver's app: a core that runs anywhere, screens in Kivy, and ports to the device."""

VERSION = "0.1.0"
