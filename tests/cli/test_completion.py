"""Completion where somebody really presses Tab: in bash, on a terminal of 80 columns."""

from __future__ import annotations

import os
import shlex
import shutil
import sys

import pytest

from .running import Leadline
from .terminal import bash_on_terminal

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")


def test_tab_completes_a_command_its_kind_and_an_option(leadline: Leadline) -> None:
    program = leadline.cwd / "leadline"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m leadline.cli.main "$@"\n')
    program.chmod(0o755)
    path = f"{leadline.cwd}{os.pathsep}{os.environ['PATH']}"
    with bash_on_terminal(leadline.cwd, {"PATH": path, "LEADLINE_HOME": str(leadline.home)}) as terminal:
        terminal.until("ready> ")
        terminal.type('eval "$(_LEADLINE_COMPLETE=source_bash leadline)"; echo taken $?\n')
        terminal.until("taken 0")
        terminal.until("ready> ")
        for typed, completed in (("leadline expo", "rt "), ("prod", "uctivity "), ("--gran", "ularity ")):
            terminal.type(typed + "\t")
            terminal.until(typed)
            assert terminal.until(completed) == completed
        terminal.type("\x15exit\n")  # the line is cleared: nothing of it was run
        assert terminal.ended() == 0
    assert "Traceback" not in terminal.text
    assert not leadline.home.exists()
