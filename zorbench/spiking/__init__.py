"""Spiking networks: causal sets of integrate-and-fire neurons, latency coding. Knows no harness."""
