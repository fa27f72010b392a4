"""An external decoder for ARGUS_DJI_DECODER: dji-thermal-cli (https://pypi.org/project/dji-thermal-cli, AGPL).

    /opt/dji/bin/python /opt/dji/dji_thermal_cli.py {input} {output}

`/opt/dji` is an environment of Python 3.12 or later with dji-thermal-cli, apart from that of Argus. This file uses only
the standard library. The distance that the camera stored counts, as in Argus.
"""

import subprocess
import sys
from pathlib import Path


def main(source: str, target: str) -> None:
    """Convert one file. Raises SystemExit with the program's message if it fails."""
    folder = Path(target).parent / "dji-thermal-cli"
    folder.mkdir()
    program = Path(sys.executable).with_name("dji-thermal-cli")
    command = [program, "process", "--input-dir", source, "--output-dir", folder, "--output", "temp_c:tiff"]
    options = ["--distance", "embedded", "--compression", "none", "--jobs", "1", "--quiet"]
    # Each thread of OpenBLAS reserves memory, which is limited.
    done = subprocess.run(
        [*map(str, command), *options],
        env={"OPENBLAS_NUM_THREADS": "1", "HOME": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    written = sorted(folder.glob("*.tif*"))
    if len(written) != 1:
        raise SystemExit(done.stdout.strip() or f"dji-thermal-cli ended with {done.returncode} and wrote nothing")
    written[0].replace(target)


if __name__ == "__main__":
    main(*sys.argv[1:])
