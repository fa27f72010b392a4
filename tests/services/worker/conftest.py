"""dji-thermal-cli runs on Python 3.12 and later: its tests are collected where there is one."""

from tests.services.worker.pythons import newer_python

collect_ignore = [] if newer_python() else ["test_dji_thermal_cli.py"]
