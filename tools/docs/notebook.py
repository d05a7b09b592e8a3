"""Executes the code cells of examples/finished_run.ipynb and stores what they answer. Needs no Jupyter.

From the checkout, after auditor demo --world shortcut --out reports/demo: python tools/docs/notebook.py [FOLDER], where
FOLDER is what the notebook's paths start from; left out: examples.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "examples" / "finished_run.ipynb"
PARAMETERS = "parameters"
"""The tag of the cell whose values may be replaced."""

if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

Cell = dict[str, Any]


def executed(cells: list[Cell], given: Mapping[str, object]) -> list[Cell]:
    """The cells of a notebook with the outputs of their code, run one after the other in one namespace.

    Args:
        cells: as in the notebook's JSON. given: values that take the place of those of the cell tagged `parameters`.
    """
    names: dict[str, object] = {"__name__": "__main__"}
    count, done = 0, []
    for cell in cells:
        if cell["cell_type"] == "code":
            count += 1
            cell = {**cell, "execution_count": count, "outputs": _outputs("".join(cell["source"]), names, count)}
            if PARAMETERS in cell["metadata"].get("tags", []):
                names.update(given)
        done.append(cell)
    return done


def _outputs(source: str, names: dict[str, object], count: int) -> list[Cell]:
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(tree, "cell", "exec"), names)  # noqa: S102 - the notebook's own code
        value = None if last is None else eval(ast.unparse(last), names)  # noqa: S307
    outputs: list[Cell] = []
    if said.getvalue():
        outputs.append({"output_type": "stream", "name": "stdout", "text": said.getvalue().splitlines(keepends=True)})
    if value is not None:
        data = {"text/plain": repr(value).splitlines(keepends=True)}
        if hasattr(value, "_repr_html_"):
            data["text/html"] = value._repr_html_().splitlines(keepends=True)
        outputs.append({"output_type": "execute_result", "data": data, "metadata": {}, "execution_count": count})
    return outputs


def main() -> None:
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    with contextlib.chdir(sys.argv[1] if len(sys.argv) > 1 else NOTEBOOK.parent):
        notebook["cells"] = executed(notebook["cells"], {})
    NOTEBOOK.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"wrote the outputs of {NOTEBOOK.name}")


if __name__ == "__main__":
    main()
