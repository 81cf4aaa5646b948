"""The ports in memory, with a virtual clock: the ground of the simulator and of fast tests.

Everything stored goes through JSON, as it would on AWS, so that nothing is shared by accident.
"""
