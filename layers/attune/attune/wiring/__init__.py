"""Puts the pieces together for AWS: the only room that reads the environment and makes clients of AWS.

Each piece is made when somebody first asks for it, and kept for the life of the process: a function pays only for
the pieces it uses. The names of the variables are the template's (``ATTUNE__…``).
"""
