"""Run the notebook top to bottom and keep its output in it, so that it can be read as it is.

python scripts/run_notebook.py
"""

from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "simulate_claims_agent.ipynb"


def main() -> None:
    """Run it and write it back."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # times of this run, different in every one
    nbformat.write(notebook, NOTEBOOK)


if __name__ == "__main__":
    main()
