"""Writes what the documentation says of settings and flags from their declarations (auditor/core/settings.py).

From the checkout: python tools/docs/settings.py. Only the marked blocks of the pages are rewritten.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from auditor.cli.flags import FLAGS, MEANINGS  # noqa: E402
from auditor.core.settings_text import Setting, all_tables, toml_value  # noqa: E402

NONE = "—"
WIDTH = 120


def settings_tables() -> str:
    """Every key with its meaning, range and default, table by table."""
    parts = []
    for table in all_tables():
        if table.name:
            parts.append(f"### [{table.name}]\n\n{textwrap.fill(table.description, WIDTH, break_on_hyphens=False)}\n")
        rows = [_row(setting) for setting in table.settings]
        parts.append("\n".join(["| key | meaning | range | default |", "| --- | --- | --- | --- |", *rows, ""]))
    return "\n".join(parts)


def flags_table() -> str:
    """Every flag of `auditor run` that sets something, with the key that it sets."""
    rows = [f"| `{flag.name}` | `{'.'.join(key)}` | {MEANINGS[flag.name]} |" for key, flag in FLAGS.items()]
    return "\n".join(["| option | key in the file | meaning |", "| --- | --- | --- |", *rows, ""])


BLOCKS: dict[str, Callable[[], str]] = {"docs/your-model.md": settings_tables, "docs/cli.md": flags_table}
"""The block that each page holds."""


def with_block(page: str, block: str, script: str = "settings") -> str:
    """A page whose marked block is replaced.

    Args:
        script: of tools/docs, which writes the block.
    Raises:
        ValueError: the page has no marked block, or several.
    """
    by = f"<!-- written by tools/docs/{script}.py -->"
    marked = re.compile(f"({re.escape(by)}\n\n).*?(\n<!-- end -->\n)", re.DOTALL)
    if len(marked.findall(page)) != 1:
        raise ValueError(f"expected one block between {by} and <!-- end -->")
    return marked.sub(lambda found: f"{found[1]}{block}{found[2]}", page)


def _row(setting: Setting) -> str:
    default = NONE if setting.default is None else f"`{toml_value(setting.default)}`"
    return f"| `{setting.key}` | {setting.description} | {setting.allowed} | {default} |"


def main() -> None:
    for name, block in BLOCKS.items():
        page = ROOT / name
        page.write_text(with_block(page.read_text(encoding="utf-8"), block()), encoding="utf-8")
        print(f"wrote the block of {name}")


if __name__ == "__main__":
    main()
