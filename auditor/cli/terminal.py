"""Text on its way to the terminal: shown, and never obeyed. Every word that is printed or asked passes here."""

from __future__ import annotations

import shlex

import typer
from rich.console import HighlighterType, JustifyMethod, OverflowMethod
from rich.style import Style
from rich.text import Text

from auditor.cli.pipes import PipedConsole
from auditor.core.plain_text import plain

Part = str | tuple[str, str]


def said(*parts: Part) -> Text:
    """Text in which names stay names: brackets are no markup, and what a terminal would obey becomes a visible escape.

    Args:
        parts: texts, or texts with their style.
    """
    pairs = [(part, "") if isinstance(part, str) else part for part in parts]
    return Text.assemble(*((plain(words), style) for words, style in pairs))


class Terminal(PipedConsole):
    """A console that takes every string for words: as `said`, and with no numbers coloured."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, markup=False, emoji=False, highlight=False)

    def render_str(
        self,
        text: str,
        *,
        style: str | Style = "",
        justify: JustifyMethod | None = None,
        overflow: OverflowMethod | None = None,
        emoji: bool | None = None,
        markup: bool | None = None,
        highlight: bool | None = None,
        highlighter: HighlighterType | None = None,
    ) -> Text:
        """As its parent does, but without markup and emoji. What stands in tables and titles comes here too."""
        del emoji, markup, highlight, highlighter
        return Text(plain(text), style=style, justify=justify, overflow=overflow)

    def ask(self, question: str) -> str:
        """A person's answer to a question."""
        return str(typer.prompt(plain(question), err=self.stderr))


def shell_word(text: str) -> str:
    """A word that a shell reads back as this one, in characters that can be shown."""
    shown = plain(text.replace("\\", "\\\\").replace("'", "\\'"))
    return shlex.quote(text) if plain(text) == text else f"$'{shown}'"
