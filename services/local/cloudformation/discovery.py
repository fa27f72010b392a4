"""Finds the templates of capabilities. The deployment lists the shared templates itself."""

from pathlib import Path

_ROOT = Path(__file__).resolve().parents[3]
INFRA = _ROOT / "infra"
CAPABILITIES = _ROOT / "src" / "argus"


def capability_templates(infra: Path = INFRA, capabilities: Path = CAPABILITIES) -> tuple[Path, ...]:
    """The templates that are named after a capability's folder, in alphabetical order.

    They depend on the stage, the key and the roles, but not on each other.
    """
    return tuple(path for path in sorted(infra.glob("*.yaml")) if (capabilities / path.stem / "capability.py").exists())
