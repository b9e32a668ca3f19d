"""Versioned prompt templates, packaged as `claims_sim_prompts`. Holds text only; `claims_sim.generation.prompt` renders it."""
