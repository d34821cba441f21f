"""The entry of the ``leadline`` program: runs one command line and turns whatever ends it into an exit code.

No mistake of the user ends in a traceback; ``LEADLINE_DEBUG=1`` shows it for what was not foreseen.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from leadline import tracing
from leadline.cli import interrupt
from leadline.permissions import private
from leadline.service.garbage import end_undisturbed, load_undisturbed

_VOICE = ("--quiet", "-q", "--verbose", "-v")
"""The global options that may also stand after the command."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (default: the process's, which then ends with it) and return its exit code."""
    with private():
        code = _guarded(sys.argv[1:] if arguments is None else list(arguments))
    tracing.flush()
    if arguments is None:
        _end(code)
    return code


def _end(code: int) -> None:
    """Before the process ends. All that was open is closed by now."""
    if code == interrupt.EXIT_CODE:
        # Libraries stopped in the middle complain when they are taken down in order.
        sys.stderr.flush()
        os._exit(code)
    end_undisturbed()


def _guarded(arguments: list[str]) -> int:
    interrupt.listen()
    for stream in (sys.stdout, sys.stderr):
        # Names may hold letters the terminal's encoding lacks; those become question marks rather than an error.
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        return _quiet()
    except KeyboardInterrupt:
        return _interrupted()
    return code


def _run(arguments: list[str]) -> int:
    from leadline.cli.app import app
    from leadline.cli.failures import DEBUG, explain
    from leadline.cli.output import speak_to_program

    load_undisturbed()
    speak_to_program("--json" in arguments)
    # No plugin is asked for, and pydantic would read the metadata of all that is installed to look for some.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        code = app(_voice_first(arguments), prog_name="leadline", standalone_mode=False)
    except (BrokenPipeError, KeyboardInterrupt):
        raise
    except SystemExit:
        return _quiet()  # Typer's answer to a broken pipe, the only one it ends the process for
    except Exception as error:
        if interrupt.received():
            return _interrupted()  # a library, or git, reports the interruption as an error of its own
        if os.environ.get(DEBUG) == "1":
            import traceback

            traceback.print_exc()
        return explain(error, as_json="--json" in arguments)
    if code == interrupt.EXIT_CODE:
        return _interrupted()
    return code if isinstance(code, int) else 0


def _voice_first(arguments: list[str]) -> list[str]:
    """The same command line, with how much is told before the command: up to a ``--`` it may be said anywhere."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    words = sorted(arguments[:end], key=lambda word: word not in _VOICE)  # which leaves the others in their order
    return words + arguments[end:]


def _interrupted() -> int:
    interrupt.ignore()
    sys.stderr.write("\ninterrupted; what was finished before stays, the rest was not kept\n")
    sys.stderr.writelines(f"next: {sentence}\n" for sentence in interrupt.advice())
    return interrupt.EXIT_CODE


def _quiet() -> int:
    """The reader of our output went away (``leadline … | head``): it has what it wanted."""
    # Python flushes stdout once more at exit; that must not fail loudly.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
