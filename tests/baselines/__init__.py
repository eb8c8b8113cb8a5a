"""Tests of the bundled baselines."""
