"""Tests of the Zor core."""
