"""The commands, one module for each thing they are about. Results are shown first; what is wrong ends the command."""
