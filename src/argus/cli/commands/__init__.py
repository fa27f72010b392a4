"""The commands: one module for each capability exports them as `COMMANDS`; `argus.cli.command` discovers it."""
