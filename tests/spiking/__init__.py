"""Tests of spiking networks."""
