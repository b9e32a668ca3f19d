"""Pictures in the metadata of runs."""

import base64

from claims_sim.orchestration.plots import recall_bars


def test_an_interval_that_does_not_hold_its_share_is_drawn_as_far_as_it_goes():
    text = recall_bars("Recall", [("upcoding", 0.5, 0.6, 0.7), ("phantom", 0.5, 0.3, 0.4), ("copies", 0.9, 0.8, 1.0)])
    kind, _, encoded = text.partition("base64,")
    assert kind == "![Recall](data:image/png;"
    assert base64.b64decode(encoded.rstrip(")")).startswith(b"\x89PNG")
