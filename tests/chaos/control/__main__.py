"""`python -m chaos.control ROLE SLOT GUARANTEE`: a worker of the control, as Faust starts one."""

from __future__ import annotations

import sys

import faust

from aegis_streams.settings import Settings
from chaos.control.app import build

if __name__ == "__main__":
    app = build(Settings.load(), int(sys.argv[2]), sys.argv[3])
    faust.Worker(app, loglevel="WARNING", redirect_stdouts=False).execute_from_commandline()
