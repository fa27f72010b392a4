"""The commands. Each capability, and what the command line has of its own, is a module that exports `COMMANDS`.

`argus.cli.command` discovers the modules: a new one is added here, and nothing else changes.
"""
