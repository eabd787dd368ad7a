"""Programs that are run for what they do better, and that a machine may lack."""

import shutil


def absent(name: str, package: str = "") -> str:
    """What to say of a program that is not installed; empty when it is."""
    if shutil.which(name):
        return ""
    return f"{name} is not installed (Debian: apt-get install {package or name})"
