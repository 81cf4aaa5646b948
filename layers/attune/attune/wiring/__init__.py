"""Puts the pieces together for AWS: the only room that reads the environment and makes clients of AWS.

Everything is made when it is first asked for and kept for the life of the process, so that a function pays only
for what it uses. The names of the variables are the template's (``ATTUNE__…``).
"""
