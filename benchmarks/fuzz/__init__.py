"""Fuzzing of everything that reads what a vendor or an application says.

Two engines send the same cases through the same code: Hypothesis changes true messages by their structure, atheris
changes bytes and keeps what reaches new code. What must hold is in `exercise`.
"""
