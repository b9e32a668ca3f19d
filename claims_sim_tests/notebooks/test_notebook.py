"""The notebook runs top to bottom in a folder of its own, and what it stores can be read as it is."""

import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "simulate_claims_agent.ipynb"
# Its scorer learns from fewer claims, as those of other tests do, and so does its profile.
BEFORE = "from claims_sim.pipeline import scoring\n\nscoring.SCORER_TRAINING_CLAIMS = 1_500"
SMALLER = {"demo_rows=20_000, batch_size=5,": "demo_rows=3_000, batch_size=2,"}


@pytest.mark.timeout(600)
def test_every_cell_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("CLAIMS_SIM_LLM_IDLE_S", "10")  # nobody ends the server of its model
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    for there, smaller in SMALLER.items():
        (cell,) = (cell for cell in notebook.cells if there in cell.source)
        cell.source = cell.source.replace(there, smaller)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(BEFORE))
    client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}})
    client.create_kernel_manager()
    client.km.kernel_spec.argv[0] = sys.executable
    client.execute()
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    printed = "".join(out.get("text", "") for cell in code for out in cell.outputs)
    assert "5,000 published, 5,000 ingested, 5,000 scored" in printed


def test_it_is_stored_with_its_output():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    outputs = [out for cell in notebook.cells if cell.cell_type == "code" for out in cell.outputs]
    assert any("image/png" in out.get("data", {}) for out in outputs)
    assert not [out for out in outputs if out.output_type == "error"]
