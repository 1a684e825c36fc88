"""Checks: of a downloaded database before training on it, and of the installation."""
