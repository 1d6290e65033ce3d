"""The command line: words and flags become settings, and the settings run.

Nothing heavy is imported before it is needed: Textual only for the screen, a source only when it is
asked.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Final, NoReturn, TextIO

from tui import __version__
from tui.model.text import plain
from tui.options import UsageError, nearest
from tui.settings import OPTIONS, Settings
from tui.sources.base import Reason, Source, SourceError

FAILED: Final = 1
USAGE: Final = 2
UNREACHABLE: Final = 3
INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141

WORDS: Final = {
    "": "the live monitor; where there is no terminal, as services",
    "demo": "the live monitor on a simulated mesh: no cluster, no network",
    "services": "every service with its golden signals, once",
    "compare": "two versions of a service and a verdict: compare NS/NAME [A B]",
    "codes": "how requests end: by class, exact code, gRPC status and flag",
    "control-plane": "istiod's health, once",
    "info": "every path, setting and version, secrets masked",
}
MORE_WORDS: Final = {"compare": 3}
"""How many may follow a word."""
_EPILOG: Final = """\
exit codes:
  0 fine, 1 failed, 2 usage, 3 source unreachable or refused, 4 a --check is breached,
  5 no data or a --check undecided, 130 interrupted

Every flag can also be set in the configuration file, or as ISTIOTOP_... in the
environment: "istiotop info" says what is set, and where."""


class OutputError(Exception):
    """Standard output takes nothing. `str()` of it is one sentence."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; the exit code."""
    try:
        return _run(sys.argv[1:] if argv is None else list(argv))
    except UsageError as error:
        return _fail(str(error), USAGE)
    except SourceError as error:
        return _fail(str(error), USAGE if error.reason is Reason.BAD_SETTING else UNREACHABLE)
    except OutputError as error:
        return _fail(str(error), FAILED)
    except BrokenPipeError:
        return BROKEN_PIPE
    except KeyboardInterrupt:
        return INTERRUPTED


def _run(argv: list[str]) -> int:
    parser = _parser()
    word, more, given = _arguments(parser, argv)
    if given.pop("help", False):
        return _write(parser.format_help())
    if given.pop("version", False):
        return _write(f"istiotop {__version__}\n")
    from tui.layers import load

    loaded = load(given, os.environ, time.time())
    for warning in loaded.warnings:
        _complain(warning)
    settings = loaded.settings
    if word == "info":
        from tui import info

        return _write(info.as_json(loaded) if settings.output == "json" else info.text(loaded))
    _log_to(settings.log_file)
    if word == "compare":
        return _compare(settings, more)
    wanted = "output" in given or settings.watch or not _is_terminal(sys.stdout)
    if wanted or word not in ("", "demo"):
        return _print(word if word not in ("", "demo") else "services", settings)
    return _screen(settings)


def _arguments(
    parser: argparse.ArgumentParser, argv: Iterable[str]
) -> tuple[str, list[str], dict[str, object]]:
    """The word, those that follow it, and every flag that was given: its name in the settings, and
    its text.
    """
    space, rest = parser.parse_known_args(_joined(argv))
    given: dict[str, object] = vars(space)
    word = str(given.pop("word", ""))
    for argument in rest:
        if argument.startswith("-"):
            flags = [flag for option in OPTIONS.values() for flag in option.flags]
            # What follows the equals sign may be a secret.
            raise UsageError(_unknown(argument.partition("=")[0], flags))
    if word not in WORDS:
        if "://" in word:
            raise UsageError("to read a URL, give --prometheus URL.")
        raise UsageError(_unknown(word, filter(None, WORDS)))
    taken = MORE_WORDS.get(word, 0)
    if len(rest) > taken:
        hint = f": write istiotop {rest[0]} --demo." if word == "demo" else "."
        raise UsageError(f"{plain(rest[taken], 60)} is one word too many{hint}")
    if word == "demo":
        given["demo"] = True
    return word, rest, given


def _unknown(text: str, known: Iterable[str]) -> str:
    near = nearest(text, known)
    return f"{plain(text, 60)} is unknown: " + (
        f"did you mean {near}?" if near else "see istiotop --help."
    )


def _joined(argv: Iterable[str]) -> list[str]:
    """`--at -15m` as `--at=-15m`: argparse would take that time for a flag."""
    joined: list[str] = []
    for argument in argv:
        if joined and joined[-1] == "--at" and argument[1:2].isdigit():
            joined[-1] = f"--at={argument}"
        else:
            joined.append(argument)
    return joined


class _Parser(argparse.ArgumentParser):
    """argparse that raises one sentence in place of printing its usage and ending the process."""

    def error(self, message: str) -> NoReturn:
        """Raise `UsageError`."""
        raise UsageError(f"{message}: see istiotop --help.")


def _parser() -> argparse.ArgumentParser:
    words = "\n".join(f"  istiotop {word:<13} {what}" for word, what in WORDS.items())
    parser = _Parser(
        prog="istiotop",
        usage="istiotop [COMMAND] [FLAGS]",
        description=f"A live monitor for the Istio service mesh.\n\n{words}",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
        add_help=False,
    )
    parser.add_argument("word", nargs="?", help=argparse.SUPPRESS)
    groups: dict[str, Any] = {}
    for name, option in OPTIONS.items():
        if option.group not in groups:
            groups[option.group] = parser.add_argument_group(option.group)
        kind: dict[str, Any] = {"action": "store_true"}
        if option.metavar:
            kind = {"action": "append" if option.many else "store", "metavar": option.metavar}
        groups[option.group].add_argument(*option.flags, dest=name, help=option.help, **kind)
    program = groups["program"]
    program.add_argument("-V", "--version", action="store_true", help="print the version")
    program.add_argument("-h", "--help", action="store_true", help="print this")
    return parser


def _print(word: str, settings: Settings) -> int:
    """The table of a noun on standard output."""
    from tui.nouns import MAKERS
    from tui.once import Printer

    colour = _has_colour(settings, os.environ)
    printer = Printer(MAKERS[word](settings), settings, _write, _complain, colour=colour)
    return _asked(settings, printer.run)


def _compare(settings: Settings, words: Sequence[str]) -> int:
    """The comparison of two versions on standard output."""
    from tui.comparing import Comparing

    colour = _has_colour(settings, os.environ)
    return _asked(settings, Comparing(settings, words, _write, _complain, colour=colour).run)


def _asked(settings: Settings, run: Callable[[Source], Coroutine[Any, Any, int]]) -> int:
    """Run with the source that the settings name."""
    import asyncio

    from tui import connect

    async def answer(source: Source) -> int:
        try:
            return await run(source)
        finally:
            await source.close()

    return asyncio.run(answer(connect.source(settings)))


def _has_colour(settings: Settings, environ: Mapping[str, str]) -> bool:
    wanted = not environ.get("NO_COLOR") and environ.get("TERM", "dumb") != "dumb"
    return settings.output in ("table", "wide") and _is_terminal(sys.stdout) and wanted


def _screen(settings: Settings) -> int:
    """The live monitor."""
    if not _is_terminal(sys.stdin) or os.environ.get("TERM", "dumb") in ("", "dumb"):
        raise UsageError(
            "this is no terminal that a live screen can use: istiotop services prints the table."
        )
    from tui import connect

    source = connect.source(settings)
    from tui.app import IstioTop

    app = IstioTop(settings, source)
    app.run(mouse=not settings.no_mouse)
    return app.return_code or 0


def _log_to(file: str) -> None:
    """Send the log to a file that only its owner reads, or nowhere: never to the screen."""
    import logging

    handler: logging.Handler = logging.NullHandler()
    if file:
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise UsageError(
                f"--log-file: {plain(file)} cannot be written: {error.strerror}."
            ) from None
        stream = os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace")
        handler = logging.StreamHandler(stream)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
        logging.getLogger("tui").setLevel(logging.INFO)
    logging.getLogger().addHandler(handler)


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def _write(text: str) -> int:
    """Write to standard output, at once; 0. A character that its encoding lacks becomes `?`."""
    if sys.stdout is None:
        raise OutputError("standard output is closed.")
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="replace")
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _discard(sys.stdout)
        raise
    except OSError as error:
        _discard(sys.stdout)
        raise OutputError(f"standard output cannot be written: {error.strerror}.") from None
    return 0


def _discard(stream: TextIO) -> None:
    """Point a stream that nobody reads at nothing, so that Python can flush it when it ends."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, stream.fileno())
    os.close(nothing)


def _complain(sentence: str) -> None:
    """One sentence on standard error, if anybody reads it."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(f"istiotop: {sentence}\n")
        sys.stderr.flush()
    except OSError:
        _discard(sys.stderr)


def _fail(sentence: str, code: int) -> int:
    _complain(sentence)
    return code
