"""The commands: a module for each capability, and for profiles and completion. Each exports `COMMANDS`.

`argus.cli.command` discovers the modules in this package, so a new module needs no registration.
"""
