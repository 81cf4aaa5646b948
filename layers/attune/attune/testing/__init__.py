"""Tests of workflows: cases run in the simulator, in virtual time, with mocked actions."""
